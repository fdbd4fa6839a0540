"""What the command says, whatever happened and wherever it goes: plain text, errors in one line."""

import errno
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from abm.runs.schema import RUN_FILE
from abm.runs.store import Store
from analysis import load
from scenarios._common import app, commands
from scenarios._common.output import escape_controls
from scenarios._common.terminal import say, show_table
from scenarios.sweep import Sweep
from tests.commands import CONSOLE, Call, read_error, run_python
from tests.files import ROOT, partial_of

SMALL = ["run", "sweep", "--makers", "myopic", "--prior-sd", "1", "--periods", "5",
         "--replications", "60", "--block", "20"]  # fmt: skip
COLOURED = "\x1b[31mred\x1b[0m"
ESCAPED = r"\x1b[31mred\x1b[0m"
FULL = OSError(errno.ENOSPC, "No space left on device")
FAULT = "this is a fault of market-shock: please report it with what market-shock --traceback shows"


def raises(error: Exception) -> Callable[..., Any]:
    """Return a function that raises an error, whatever it is given."""

    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


# Names are plain text


@pytest.mark.parametrize("name", [":smile:", "[red]", "[/]", "a:warning:b"])
def test_a_name_is_neither_an_emoji_nor_markup(
    name: str, capsys: pytest.CaptureFixture[str], call: Call
) -> None:
    say(f"All files are in {name}")
    show_table(pd.DataFrame({"maker": [name]}))
    assert capsys.readouterr().out.split()[-3:] == [name, "maker", name]
    assert read_error(call("report", name)).startswith(f"error: {name} holds no {RUN_FILE}")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (COLOURED, ESCAPED),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("over\rwritten", r"over\rwritten"),
        ("\x9b31mred", r"\x9b31mred"),
        ("gnp.\u202eexe", r"gnp.\u202eexe"),
        ("two\nlines\tof text: ± σ é", "two\nlines\tof text: ± σ é"),
        ("caf\udce9", r"caf\udce9"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_as_it_is_written(text: str, shown: str) -> None:
    assert escape_controls(text) == shown


def test_nothing_that_is_printed_can_command_a_terminal(
    capsys: pytest.CaptureFixture[str], call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(COLOURED)
    show_table(pd.DataFrame({"maker": [COLOURED]}))
    assert capsys.readouterr().out.split() == [ESCAPED, "maker", ESCAPED]
    assert ESCAPED in read_error(call("report", COLOURED))
    assert ESCAPED in read_error(call("check", COLOURED))
    monkeypatch.setattr(app, "list_scenarios", lambda: {"mine": COLOURED})
    assert f"mine  {ESCAPED}" in call("list").out


def test_a_stranger_s_parameters_are_compared_without_a_colour(tmp_path: Path, call: Call) -> None:
    call(*SMALL, "--out", "one")
    call(*SMALL, "--out", "two")
    file = tmp_path / "two" / RUN_FILE
    file.write_text(file.read_text().replace('"discount": 0.9', r'"discount": "\u001b[31mred"'))
    code, out, err = call("compare", "one", "two")
    assert (code, err) == (0, "")
    assert r"\x1b[31mred" in out
    assert "\x1b" not in out


# Whatever the output can print


def test_an_output_of_ascii_alone_gets_what_it_can_print(
    tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(page, encoding="ascii"))
    code, _, err = call(*SMALL, "--out", "Zürich")
    sys.stdout.flush()
    assert (code, err) == (0, "")
    said = page.getvalue().decode("ascii")
    assert " +- 0." in said
    assert r"All files are in Z\xfcrich; " in said
    assert load(tmp_path / "Zürich").tables


def test_a_folder_whose_name_is_no_text_is_written_and_named(tmp_path: Path, call: Call) -> None:
    name = os.fsdecode(b"caf\xe9")
    code, out, err = call(*SMALL, "--out", name)
    assert (code, err) == (0, "")
    assert r"All files are in caf\udce9; " in out
    assert (tmp_path / name / RUN_FILE).exists()


def test_results_that_cannot_be_printed_are_not_lost(
    tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sweep, "show", raises(FULL))
    code, _, err = call(*SMALL, "--out", "mine")
    assert (code, err) == (
        1,
        "error: the results cannot be printed (No space left on device), but the run is whole and "
        "in mine: market-shock report mine makes a page of it\n",
    )
    assert (tmp_path / "mine" / RUN_FILE).exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_an_output_without_room_is_told_with_what_to_do() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        done = subprocess.run(
            [sys.executable, *CONSOLE, "--version"], stdout=full, stderr=subprocess.PIPE,
            text=True, check=False, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (
        1,
        "error: what is printed finds no room where it goes (No space left on device): make some, "
        "or let it go elsewhere\n",
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_output_is_no_fault(closed: str) -> None:
    words = shlex.join([sys.executable, *CONSOLE, "--version"])
    done = subprocess.run(
        f"{words} {closed}", shell=True, capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


# What is known before the work, and what is not


@pytest.mark.parametrize("out", [".", "..", ""])
def test_the_current_folder_is_refused_before_the_work(
    out: str, tmp_path: Path, call: Call
) -> None:
    line = read_error(call(*SMALL, "--out", out))
    assert f"out is {out!r}, " in line
    assert line.endswith(f": give one{' below,' if out else ','} as {out or 'runs'}/mine")
    assert list(tmp_path.iterdir()) == []


def test_a_current_folder_that_was_removed_is_told_before_the_work(
    tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    line = read_error(call(*SMALL, "--out", tmp_path / "mine"))
    assert "the current folder cannot be found (No such file or directory)" in line
    assert line.endswith("change to a folder that is there")


def test_a_current_folder_that_is_removed_meanwhile_costs_nothing(
    tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tables = Sweep.make_tables

    def remove_folder(study: Sweep, log: Any) -> Any:
        (tmp_path / "gone").rmdir()
        return make_tables(study, log)

    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    monkeypatch.setattr(Sweep, "make_tables", remove_folder)
    code, _, err = call(*SMALL, "--out", tmp_path / "mine")
    assert (code, err) == (0, "")
    assert load(tmp_path / "mine").tables == ["summary", "totals"]


def test_a_backend_of_a_notebook_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLBACKEND", "no-such-backend")  # in a process, where it would be loaded
    done = run_python([*CONSOLE, "run", "sweep", "--makers", "nobody"], tmp_path, ROOT)
    assert done.stderr.startswith("error: maker is 'nobody', which is unknown")


def test_a_full_disk_at_the_report_is_told_with_the_file_and_what_to_do(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    call(*SMALL, "--out", "mine")
    monkeypatch.setattr(Store, "write", raises(FULL))
    line = read_error(call("report", "mine"))
    assert line == (
        "error: mine/report.html cannot be written (No space left on device), but the run is "
        "whole: make room there, or let it be written, and give market-shock report mine again"
    )


def test_a_full_disk_at_the_tables_keeps_the_blocks(
    tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Store.write

    def is_full(store: Store, name: str, content: bytes) -> None:
        if name.endswith(".csv"):
            raise FULL
        write(store, name, content)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", is_full)
        line = read_error(call(*SMALL, "--out", "mine"))
    work = partial_of(tmp_path / "mine")
    assert line.startswith(f"error: {work} cannot be written (No space left on device). 3 blocks")
    assert line.endswith("are finished and kept: make room there, then continue with --resume")
    assert call(*SMALL, "--out", "mine", "--resume").code == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            ["--replications", "1000000000", "--block", "1000000000"],
            "block is 1000000000, but must be at least 1 and at most 10000000: give a whole",
        ),
        (
            ["--prior-sd", ",".join(map(str, range(1, 102))),
             "--noise-sd", ",".join(map(str, range(1, 102)))],
            "the grid has 10201 points (101 prior_sd times 101 noise_sd), but must have at "
            "most 10000: give fewer values",
        ),
        (["--makers", "myopic,myopic"], "is there twice, but results are told apart by it: leave"),
    ],
    ids=["block", "grid", "twice"],
)  # fmt: skip
def test_what_is_too_large_or_twice_is_an_error_of_one_line(
    options: list[str], says: str, call: Call
) -> None:
    assert says in read_error(call(*SMALL, *options))


# Faults


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (KeyError("a name"), f"error: KeyError: 'a name'; {FAULT}"),
        (AssertionError("in\ntwo lines"), f"error: AssertionError: in two lines; {FAULT}"),
        (ImportError("of mine"), f"error: ImportError: of mine; {FAULT}"),
        (
            MemoryError("Unable to allocate 7 GiB"),
            "error: memory is short (Unable to allocate 7 GiB): give a smaller --block or "
            "--replications",
        ),
        (MemoryError(), "error: memory is short (an array did not fit): give a smaller --block"),
        (ValueError("x is 1: give 2"), "error: x is 1: give 2"),
    ],
    ids=repr,
)
def test_every_error_is_one_line_and_the_traceback_comes_if_asked_for(
    error: Exception, says: str, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "list_scenarios", raises(error))
    assert read_error(call("list")).startswith(says)
    for words in (["--traceback", "list"], ["list", "--traceback"]):
        code, out, err = call(*words)
        first, *_, last = err.splitlines()
        assert (code, out, first) == (1, "", "Traceback (most recent call last):")
        assert 'in print_list\n    "scenarios": list_scenarios(),' in err
        assert last.startswith(says)


def test_a_scenario_that_does_not_import_is_no_fault_of_the_command(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "import_module", raises(SyntaxError("invalid syntax")))
    assert read_error(call("run", "sweep")) == (
        "error: scenario 'sweep' cannot be loaded, for its module does not import "
        "(SyntaxError: invalid syntax): repair it"
    )


def test_a_traceback_is_shown_after_a_scenario_s_own_options_too(call: Call) -> None:
    said = call(*SMALL, "--seed", "-1", "--traceback").err
    assert said.startswith("Traceback (most recent call last):")
    assert said.splitlines()[-1].startswith("error: seed is -1, but must be at least 0")
