"""Any market and any run in one call: `analysis.plot` and `Run.plot`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd
from matplotlib.figure import Figure

from abm.numerics.checks import require_one_of
from abm.runs.metrics import OF_MAKER, OF_MARKET, OF_TOTALS, TOTALS, Entry
from analysis import facets, figures, metrics
from analysis.canvas import Ax, finish_figure, make_panels, with_settings
from analysis.results import point_labels, totals_by_block
from analysis.summaries import select_metric

if TYPE_CHECKING:
    from analysis.load import Run

Table = pd.DataFrame

OF_PERIODS = (*OF_MARKET, *OF_MAKER)
NO_PANELS = ("makers", "exchange")  # which lines show
MOST_PANELS = 6
SIZE = (10.0, 4.2)  # in inches


class Market(Protocol):
    """What has a tape (see `abm.exchange.tape.Tape`), as an Exchange has."""

    @property
    def tape(self) -> Any:
        """The tape, with tables summary, and market and makers if all is recorded."""


@with_settings
def draw_market(
    market: Market, *, replication: int | None = None, maker: str | None = None, ax: Ax = None
) -> Figure:
    """Draw the spread by period of every maker in a market, and the story of one replication.

    Parameters
    ----------
    market : Exchange
        Or any object with its `tape`; of a tape that keeps summaries only, the spread is drawn.
    replication : int, optional
        Whose story to tell; the first unless given.
    maker : str, optional
        Whose quotes and belief the story shows, by her label; the first unless given.
    ax : sequence of two Axes, optional
        Axes to draw on.

    Raises
    ------
    ValueError
        If nothing has happened yet, or the replication or the maker is not in the market.
    """
    tape = getattr(market, "tape", None)
    if tape is None:
        raise TypeError(
            f"market is a {type(market).__name__}, but must have a tape: give an Exchange that has "
            f"run; figures of tables are in analysis.figures"
        )
    summary = tape.summary
    if summary.empty:
        raise ValueError("the tape is empty, but a figure needs a period: call run(periods) first")
    hers = select_metric(summary[summary["maker"].notna()], "spread")
    figure, panels = make_panels(SIZE, ax, 1, 1 + tape.full, 1 + tape.full, share=False)
    figures.spread_by_period(metrics.by_period(hers, "spread"), ax=panels[0])
    if tape.full:
        rows = select_story(tape.market, tape.makers, replication, maker)
        figures.one_market(*rows, ax=panels[1])
    return finish_figure(figure, panels)


def select_story(
    market: Table, makers: Table, replication: int | None, maker: str | None
) -> tuple[Table, Table]:
    """Return the rows of one replication, and of one maker in it; the first unless given."""
    numbers, names = makers["replication"].unique(), makers["maker"].unique()
    number = numbers[0] if replication is None else replication
    if number not in numbers:
        some = ", ".join(map(str, numbers[:5]))
        raise ValueError(f"replication is {number!r}, but must be one in this market, as {some}")
    name = require_one_of("maker", names[0] if maker is None else maker, names)
    here = (makers["replication"] == number) & (makers["maker"] == name)
    return market[market["replication"] == number], makers[here]


@with_settings
def draw_run(run: Run, metric: str, by: str = "period", ax: Ax = None) -> Figure:
    """Draw a metric of a run by period, or by a parameter of its points (see `Run.plot`)."""
    keys = point_labels(run)
    if by == "period":
        summary = run.table("summary")
        keys = [key for key in dict.fromkeys([*keys, "exchange"]) if key in summary]
        rows = select_metric(summary, metric)
        of_makers = rows[rows["maker"].notna()]
        return draw_by_period(rows if of_makers.empty else of_makers, metric, keys, ax)
    require_one_of("by", by, ["period", *list_panels(keys)])
    return draw_by_parameter(totals_by_block(run), metric, keys, by, ax)


def draw_by_period(summary: Table, metric: str, keys: Sequence[str], ax: Ax = None) -> Figure:
    """Draw a metric of a summary by period, in a panel for each of the first MOST_PANELS points.

    `keys` are the columns that tell points apart.
    """
    rows = add_panel_labels(summary, list_panels(keys))
    facet = choose_facet(rows)
    table = metrics.by_period(rows, metric, _join(keys, facet, without=["exchange"]))
    entry = find_entry(metric, OF_PERIODS)
    return facets.by_period(table, entry.label_axis(), facet, scale=entry.scale, ax=ax)


def draw_by_parameter(
    whole: Table, metric: str, keys: Sequence[str], x: str, ax: Ax = None
) -> Figure:
    """Draw a metric of `totals_by_block` by a parameter, in panels as `draw_by_period` does."""
    rows = add_panel_labels(whole, [key for key in list_panels(keys) if key != x])
    facet = choose_facet(rows)
    table = metrics.estimates(rows, metric, _join([*keys, "maker"], facet))
    label = find_entry(metric, [*TOTALS, *OF_TOTALS]).label_axis()
    return facets.by_parameter(table, label, x, facet, ax=ax)


def find_entry(metric: str, entries: Sequence[Entry]) -> Entry:
    """Return a metric's entry, the first with its name; one of no unit for a user's own."""
    return next((one for one in entries if one.name == metric), Entry(metric, "", ""))


def list_panels(keys: Sequence[str]) -> list[str]:
    """Return the parameters that panels tell apart."""
    return [key for key in keys if key not in NO_PANELS]


def add_panel_labels(table: Table, names: Sequence[str]) -> Table:
    """Return the rows of the first MOST_PANELS points, with their parameters in column `panel`."""
    if not names:
        return table
    words = [f"{name.replace('_', ' ')} = " + table[name].astype(str) for name in names]
    panel = reduce(lambda left, right: left + ", " + right, words)
    return table.assign(panel=panel)[panel.isin(panel.drop_duplicates()[:MOST_PANELS])]


def choose_facet(table: Table) -> str | None:
    """Return the column of panels, if there is one."""
    return "panel" if "panel" in table else None


def _join(keys: Sequence[str], facet: str | None, without: Sequence[str] = ()) -> list[str]:
    return [key for key in [*keys, *([facet] if facet else [])] if key not in without]
