"""What a study prints: progress while it runs, then its results."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import isfinite
from time import monotonic

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from abm.experiment import Progress
from analysis.compare import Comparison

LARGEST = 12  # differences between two runs that are shown
COLOUR = {"yes": "green", "no": "red", "undecided": "yellow"}


@contextmanager
def show_progress() -> Iterator[Callable[[Progress], None]]:
    """Show a bar if this is a terminal; yield a function that takes the progress and updates it."""
    console = Console(stderr=True)
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("blocks, {task.description}"),
        TimeRemainingColumn(),
    )
    start = monotonic()
    with Bar(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("starting", total=None)

        def watch(now: Progress) -> None:
            rate = now.arrivals / max(monotonic() - start, 1e-9)
            failures = f", [red]{now.failed} failed[/]" if now.failed else ""
            text = f"{rate / 1e6:.2f} million arrivals/s{failures}"
            done = now.finished + now.failed
            bar.update(task, total=now.planned, completed=done, description=text)

        yield watch


def show_claims(claims: pd.DataFrame) -> None:
    """Print a table of claims, as `analysis.claims.claims_table` makes it."""
    table = Table("exhibit", "the paper says", box=None, pad_edge=False)
    for heading in ("measured", "s.e."):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("holds", no_wrap=True)
    for row in claims.to_dict("records"):
        verdict = f"[{COLOUR[row['holds']]}]{row['holds']}[/]"
        measured, error = f"{row['measured']:.4g}", f"{row['se']:.2g}"
        table.add_row(row["exhibit"], escape(row["says"]), measured, error, verdict)
    Console().print(table)


def show_table(frame: pd.DataFrame) -> None:
    """Print a table as it is, however wide."""
    say(frame.to_string(index=False, na_rep="nan"))


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
    """Print a line as it is, however long."""
    Console().print(escape(text), soft_wrap=True, highlight=False)
