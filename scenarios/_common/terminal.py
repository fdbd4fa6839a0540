"""What a study prints: progress while it runs, then its results."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import isfinite
from time import monotonic

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from abm.experiment import Progress
from abm.experiment.runner import ignore_progress
from analysis.compare import Comparison
from scenarios._common.layout import find_width, wrap_message
from scenarios._common.output import escape_controls

LARGEST = 12  # differences between two runs that are shown


@contextmanager
def show_progress() -> Iterator[Callable[[Progress], None]]:
    """Show a bar if this is a terminal; yield a function that takes the progress and updates it."""
    if not sys.stderr.isatty():
        yield ignore_progress
        return
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("blocks, {task.description}"),
        TimeRemainingColumn(),
    )
    start = monotonic()
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def watch(now: Progress) -> None:
            rate = now.arrivals / max(monotonic() - start, 1e-9)
            failures = f", [red]{now.failed} failed[/]" if now.failed else ""
            text = f"{rate / 1e6:.2f} million arrivals/s{failures}"
            done = now.finished + now.failed
            bar.update(task, total=now.planned, completed=done, description=text)

        yield watch


def show_table(frame: pd.DataFrame) -> None:
    """Print a table; one wider than the terminal in parts below each other, each with its keys.

    The keys are the first columns, as many as tell the rows apart; if they take more than half of
    the width, the rows are numbered, and their numbers are the keys.

    Examples
    --------
    >>> show_table(pd.DataFrame({"maker": ["optimal", "myopic"], "spread": [9.08, 19.13]}))
      maker  spread
    optimal    9.08
     myopic   19.13
    """
    width = find_width()
    if width and measure_width(frame) > width < 2 * measure_width(frame[find_keys(frame)]):
        frame = frame.copy()
        frame.insert(0, "row", range(1, len(frame) + 1))
    for columns in divide_columns(frame, width):
        print_line(format_table(frame[columns]))


def find_keys(frame: pd.DataFrame) -> list[str]:
    """Return the first columns of a table, as many as tell its rows apart."""
    columns = list(map(str, frame))
    heads = (columns[:end] for end in range(1, len(columns)))
    return next((head for head in heads if not frame.duplicated(head).any()), columns)


def measure_width(frame: pd.DataFrame) -> int:
    """Return how wide a table is as text."""
    return len(format_table(frame).partition("\n")[0])


def divide_columns(frame: pd.DataFrame, width: int | None) -> list[list[str]]:
    """Return the columns of each part of a table, so many that it is no wider than `width`."""
    keys = find_keys(frame)
    parts = [keys]
    for column in list(map(str, frame))[len(keys) :]:
        wider = width and measure_width(frame[[*parts[-1], column]]) > width
        if wider and parts[-1] != keys:
            parts.append(keys)
        parts[-1] = [*parts[-1], column]
    return parts


def format_table(frame: pd.DataFrame) -> str:
    """Return a table as text."""
    return frame.to_string(index=False, na_rep="nan")


def show_comparison(comparison: Comparison) -> None:
    """Print how two runs differ, the largest differences of results first."""
    if len(comparison.settings):
        say("The settings differ:")
        show_table(comparison.settings)
    else:
        say("The settings are the same.")
    pairing = "replication by replication" if comparison.paired else "as independent runs"
    z, limit = comparison.results.iloc[0][["z", "limit"]]
    size = f"{abs(z):.2f} standard errors" if isfinite(z) else "without sampling error"
    say(
        f"Of {len(comparison.results)} results, compared {pairing}, {comparison.identical} are "
        f"identical; the largest difference is {size} (significant above {limit:.2f}):"
    )
    if comparison.identical < len(comparison.results):
        show_table(comparison.results.head(LARGEST).round(6))
    verdict = "differ significantly" if comparison.differ else "do not differ significantly"
    say(f"The results {verdict}.")


def say(text: str) -> None:
    """Print a sentence, wrapped on a terminal; elsewhere it is one line, which can be searched."""
    print_line(wrap_message(text, Console().width if sys.stdout.isatty() else None))


def print_line(text: str) -> None:
    """Print text as it is, but for what a terminal would obey."""
    Console().print(Text(escape_controls(text)), soft_wrap=True)
