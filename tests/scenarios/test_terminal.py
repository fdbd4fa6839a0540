"""What studies show on a terminal: progress, tables, and text as it is."""

import os
import pty
import re
import sys
import threading
from contextlib import ExitStack, redirect_stderr, suppress
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import pytest

from abm.experiment import Progress
from analysis.claims import Claim, claims_table
from analysis.compare import Comparison
from scenarios.__main__ import main
from scenarios._common import terminal as _terminal
from scenarios._common.layout import format_list, wrap_message
from scenarios._common.terminal import (
    LARGEST,
    say,
    show_comparison,
    show_progress,
    show_table,
)
from scenarios.paper.essence import list_refuted
from scenarios.sweep import Sweep

RICH = ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
CODES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal:
    """A terminal, that of the standard error while it is a context, and all that is shown there."""

    shown = ""

    def __enter__(self) -> Self:
        self._here, there = pty.openpty()
        self._raw = b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self._open = ExitStack()
        self._open.enter_context(redirect_stderr(self._open.enter_context(os.fdopen(there, "w"))))
        return self

    def _read(self) -> None:
        with suppress(OSError):  # on Linux, once the other end is closed
            while part := os.read(self._here, 4096):
                self._raw += part

    def __exit__(self, *_: object) -> None:
        self._open.close()
        self._reader.join()
        os.close(self._here)
        self.shown = CODES.sub("", self._raw.decode())


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in RICH:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")


def test_a_terminal_shows_blocks_rate_failures_and_time_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter([0.0, 0.5, 2.0])
    monkeypatch.setattr(_terminal, "monotonic", lambda: next(clock))
    with Terminal() as terminal, show_progress() as watch:
        watch(Progress(3, 0, 10, 0))
        watch(Progress(5, 2, 12, 5_000_000))
    words = r"━ +7/12 blocks, 2\.50 million arrivals/s, 2 failed +(-:--:--|\d:\d\d:\d\d)"
    assert re.search(words, terminal.shown)


def test_a_run_without_failures_does_not_speak_of_them() -> None:
    with Terminal() as terminal, show_progress() as watch:
        watch(Progress(1, 0, 2, 1_000_000))
    assert "1/2 blocks" in terminal.shown
    assert "failed" not in terminal.shown


def test_a_sweep_shows_its_progress_on_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Terminal() as terminal:
        Sweep(makers="myopic", replications=60, block=20, periods=3).run(str(tmp_path / "it"))
    assert re.search(r"9/9 blocks, \d+\.\d\d million arrivals/s", terminal.shown)
    assert "arrivals/s" not in capsys.readouterr().out


@pytest.mark.parametrize("colour", [None, "1"])
def test_progress_is_quiet_when_not_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, colour: str | None
) -> None:
    if colour:
        monkeypatch.setenv("FORCE_COLOR", colour)  # as continuous integration does
    with show_progress() as watch:
        watch(Progress(1, 1, 10, 1_000))
        watch(Progress(9, 1, 10, 9_000))
    assert capsys.readouterr() == ("", "")


LONG = "Of 2 results,  [bold] two are identical: " + "word " * 20 + "end"
LIST = "2 rules are broken:\n  - scales-with-the-noise: " + "word " * 10 + "end"


def test_a_sentence_is_wrapped_on_a_terminal_and_one_line_elsewhere(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    say(LONG)
    assert capsys.readouterr().out == LONG + "\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    say(LONG)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert max(map(len, lines)) <= 40
    assert " ".join(lines).split() == LONG.split()


def test_each_line_of_a_message_is_wrapped_by_itself() -> None:
    assert wrap_message(LIST, None) == LIST
    assert wrap_message(LIST, 40).splitlines() == [
        "2 rules are broken:",
        "  - scales-with-the-noise: word word",
        "    word word word word word word word",
        "    word end",
    ]


def test_an_error_is_wrapped_on_a_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys, "argv", ["market-shock", "run", "papre"])
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.chdir(tmp_path)
    with Terminal() as terminal, pytest.raises(SystemExit):
        main()
    lines = terminal.shown.splitlines()
    assert lines[0].startswith("error: scenario is 'papre', which is")
    assert len(lines) > 2
    assert max(map(len, lines)) <= 40


@pytest.mark.parametrize("text", ["a[bold]b", "a[/]b", "two  words", "x" * 200, "http://a/b 1.5"])
def test_what_is_said_is_printed_as_it_is(capsys: pytest.CaptureFixture[str], text: str) -> None:
    say(text)
    assert capsys.readouterr() == (f"{text}\n", "")


def test_the_words_of_a_claim_are_printed_as_they_are() -> None:
    claims = [Claim("Fig. 0", "within [low] and [/] high", 3.0, 0.0123, high=2.0, count=9)] * 5
    head, first, *_, last = list_refuted(claims_table(claims))
    assert head == "Of 5 claims of the paper, 0 hold, 5 do not, and 0 are undecided:"
    assert first == "  Fig. 0  3 (s.e. 0.012): within [low] and [/] high"
    assert last == "  and 3 more: Fig. 0"


def test_claims_that_all_hold_are_one_line() -> None:
    claims = [Claim("Fig. 0", "below 4", 3.0, 0.01, 9, high=4.0), Claim("Fig. 1", "?", 3.0, np.nan)]
    (line,) = list_refuted(claims_table(claims))
    assert line == "Of 2 claims of the paper, 1 hold, 0 do not, and 1 are undecided"


WIDE = pd.DataFrame(
    {"maker": ["optimal", "optimal", "myopic"], "prior_sd": [1.0, 3.0, 1.0]}
    | {f"column {number}": [1.5, 2.5, 3.5] for number in range(20)}
)


def test_a_table_that_goes_elsewhere_is_printed_however_wide(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS")
    show_table(WIDE)
    assert capsys.readouterr().out == WIDE.to_string(index=False) + "\n"


def test_a_table_that_goes_elsewhere_is_as_wide_as_the_environment_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    show_table(WIDE)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 40


@pytest.mark.parametrize(("width", "parts"), [(20, 12), (80, 3)])
def test_rows_whose_keys_would_fill_every_part_of_a_table_are_numbered(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int, parts: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    keys = {"metric": ["discounted_profit", "discounted_profit", "a-metric-of-a-very-long-name"],
            "maker": ["optimal", "a-maker-of-a-long-name", "myopic"]}  # fmt: skip
    columns = {f"column {number}": [1.5, 2.5, 3.5] for number in range(10)}
    show_table(pd.DataFrame(keys | columns))
    lines = capsys.readouterr().out.splitlines()
    heads = lines[::4]
    assert heads[0].split()[:2] == ["row", "metric"]
    assert all(head.split()[0] == "row" for head in heads)
    assert [line.split()[0] for line in lines[1:4]] == ["1", "2", "3"]
    assert sum(head.count("metric") + head.count("maker") for head in heads) == 2
    assert len(heads) == parts
    assert width == 20 or max(map(len, lines)) <= width


@pytest.mark.parametrize("width", [40, 80])
def test_a_table_wider_than_the_terminal_is_printed_in_parts_with_its_keys(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    show_table(WIDE)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    heads = lines[::4]
    assert all(head.split()[:2] == ["maker", "prior_sd"] for head in heads)
    shown = [number for head in heads for number in re.findall(r"column (\d+)", head)]
    assert shown == [str(number) for number in range(20)]
    assert len(heads) == {40: 10, 80: 4}[width]


def test_a_table_of_one_column_and_an_empty_one_are_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_table(pd.DataFrame({"maker": ["optimal", "optimal"]}))
    assert capsys.readouterr().out.split() == ["maker", "optimal", "optimal"]
    show_table(pd.DataFrame({"maker": [], "mean": []}))
    assert "maker" in capsys.readouterr().out


def test_a_list_is_wrapped_beside_its_names_where_there_is_a_width() -> None:
    entries = {"sweep": "Any grid of makers.", "exact-optimum": "How far."}
    assert format_list(entries, 30) == (
        "  sweep          Any grid of\n                 makers.\n  exact-optimum  How far."
    )
    assert format_list(entries, None).splitlines()[0] == "  sweep          Any grid of makers."


def compared(z: list[float], asked: int = 0, *, paired: bool = True) -> Comparison:
    """Return a comparison of results that are so many standard errors apart, farthest first."""
    differences = np.array(z)
    results = pd.DataFrame(
        {"maker": "optimal", "metric": [f"metric-{number}" for number in range(len(z))],
         "first": 1.0, "second": 1.0 + differences, "difference": differences, "se": 1.0, "z": z,
         "limit": 3.02}
    )  # fmt: skip
    rows = [(f"name-{number}", "there", "here") for number in range(asked)]
    return Comparison(pd.DataFrame(rows, columns=["name", "first", "second"]), results, paired)


def test_runs_alike_are_said_to_agree_without_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    show_comparison(compared([0.0, 0.0]))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "The settings are the same."
    assert "Of 2 results, compared replication by replication, 2 are identical" in lines[1]
    assert lines[2:] == ["The results do not differ significantly."]


def test_differences_are_shown_from_the_largest_on_and_no_more_than_can_be_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_comparison(compared([-5.0, *np.linspace(3.0, 0.0, 19)], asked=2, paired=False))
    said = capsys.readouterr().out
    assert said.startswith("The settings differ:\n  name first second\nname-0 there   here\n")
    assert "Of 20 results, compared as independent runs, 1 are identical" in said
    assert "the largest difference is 5.00 standard errors (significant above 3.02)" in said
    assert re.findall(r"metric-\d+", said) == [f"metric-{number}" for number in range(LARGEST)]
    assert said.splitlines()[-1] == "The results differ significantly."


def test_a_difference_within_chance_is_no_difference(capsys: pytest.CaptureFixture[str]) -> None:
    show_comparison(compared([2.9, *[1.0] * 19]))
    assert capsys.readouterr().out.splitlines()[-1] == "The results do not differ significantly."


def test_a_difference_without_chance_is_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    show_comparison(compared([np.inf, -4.0, 0.0]))
    said = capsys.readouterr().out
    assert "inf standard errors" not in said
    assert said.splitlines()[-1] == "The results differ significantly."
