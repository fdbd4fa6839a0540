"""What a scenario shows on the terminal: progress while it works, then its claims."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from analysis.claims import Claim

COLOUR = {"yes": "green", "no": "red", "undecided": "yellow"}


@contextmanager
def progress(steps: int) -> Iterator[Callable[[str], None]]:
    """Show a bar on a terminal; yield a function to call after each step with what it did."""
    console = Console(stderr=True)
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=steps)

        def advance(done: str) -> None:
            bar.update(task, advance=1, description=done)

        yield advance


def show_claims(claims: Sequence[Claim], out: Path) -> None:
    """Print the table of claims, and where everything is."""
    table = Table("exhibit", "the paper says", box=None, pad_edge=False)
    for heading in ("measured", "s.e."):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("holds", no_wrap=True)
    for claim in claims:
        verdict = f"[{COLOUR[claim.holds]}]{claim.holds}[/]"
        measured, error = f"{claim.measured:.4g}", f"{claim.se:.2g}"
        table.add_row(claim.exhibit, escape(claim.says), measured, error, verdict)
    console = Console()
    console.print(table)
    console.print(f"Logs, figures and claims.csv are in {escape(str(out))}", soft_wrap=True)
