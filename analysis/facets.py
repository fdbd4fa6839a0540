"""Figures with a panel for each value of a parameter, or one panel.

A maker's line looks the same in every panel; bands and bars are 95 % confidence intervals.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from pandas.api.types import is_integer_dtype

from abm.numerics.arrays import Array
from analysis.columns import require_columns
from analysis.style import FAINT, Style, style_of, with_theme

Table = pd.DataFrame

COLUMNS = 3  # panels side by side
BY_PERIOD = "metrics.by_period(table, metric)"  # what makes the tables of these figures
ESTIMATES = "metrics.estimates(table, metric, by)"
CONVERGENCE = "precision.convergence(table, metric, by)"
POINTS = 400  # of a line over periods, at most
BESIDE_RIVALS = {"-": "-.", "--": ":", "-.": "-", ":": "--"}  # a maker's line if she has rivals
WIDTH, HEIGHT = 4.0, 3.2  # of a panel, in inches; one by itself is half as wide again


@with_theme
def by_period(
    estimates: Table, label: str, facet: str | None = None, *, scale: str = "linear"
) -> Figure:
    """Draw a metric against the period.

    Parameters
    ----------
    estimates : DataFrame
        Columns of `metrics.by_period`, and the point labels.
    label : str
        Of the vertical axis, with its unit.
    facet : str, optional
        The column with one panel a value.
    scale : {"linear", "log"}
        Of the vertical axis.
    """
    require_columns(
        "estimates", estimates, _list_needed(facet, "period", "mean", "low", "high"), BY_PERIOD
    )

    def draw(axes: Axes, table: Table) -> None:
        draw_lines(axes, table)
        _set_scale(axes, scale)

    return _draw_panels(estimates, facet, draw, "period", label)


@with_theme
def by_parameter(
    estimates: Table, label: str, x: str, facet: str | None = None, *, scale: str = "linear"
) -> Figure:
    """Draw a metric against a numeric parameter `x` of the points; the rest as in `by_period`."""
    require_columns(
        "estimates", estimates, _list_needed(facet, x, "mean", "low", "high"), ESTIMATES
    )

    def draw(axes: Axes, table: Table) -> None:
        for name, style, line in _group_lines(table):
            axes.errorbar(line[x], line["mean"], find_bars(line), fmt=style.marker + style.line,
                          ms=5, color=style.colour, capsize=2, label=name)  # fmt: skip
        _set_scale(axes, scale)
        if is_integer_dtype(table[x]):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))

    return _draw_panels(estimates, facet, draw, x.replace("_", " "), label)


@with_theme
def convergence(table: Table, label: str, facet: str | None = None) -> Figure:
    """Draw standard errors against the number of replications, both on log scales.

    The table has the columns of `precision.convergence`, and the point labels; the rest is as in
    `by_period`.
    """
    require_columns("table", table, _list_needed(facet, "count", "se"), CONVERGENCE)

    def draw(axes: Axes, rows: Table) -> None:
        for name, style, line in _group_lines(rows[rows["se"] > 0]):
            axes.plot(line["count"], line["se"], style.line, color=style.colour, label=name)
        axes.set(xscale="log", yscale="log")
        axes.xaxis.set(major_formatter="{x:g}", minor_formatter="")
        _label_plainly(axes.yaxis)
        ends = np.array([rows["count"].min(), rows["count"].max()], dtype=float)
        last = rows.loc[(rows["count"] == ends[1]) & (rows["se"] > 0), "se"]
        if len(last):
            slope = last.max() * np.sqrt(ends[1] / ends)
            axes.plot(ends, slope, color=FAINT, lw=0.8, zorder=0, label="1 / √replications")

    return _draw_panels(table, facet, draw, "replications", label)


def find_bars(estimates: Table) -> Array:
    """Return the lengths of error bars, below and above each mean, as matplotlib takes them."""
    below, above = estimates["mean"] - estimates["low"], estimates["high"] - estimates["mean"]
    return np.array([below, above])


def _list_needed(facet: str | None, *columns: str) -> list[str]:
    return [*columns, facet] if facet else [*columns]


def _set_scale(axes: Axes, scale: str) -> None:
    axes.set_yscale(scale)
    if scale == "log":
        _label_plainly(axes.yaxis)


def _label_plainly(axis: Axis) -> None:
    """Label a log axis with plain numbers, also at 2 and 5 within a decade."""
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(lambda x, _: f"{x:g}" if f"{x:.0e}"[0] in "25" else "")


def draw_lines(axes: Axes, estimates: Table) -> None:
    """Draw one line with its band for each maker of each exchange."""
    require_columns("estimates", estimates, ["period", "mean", "low", "high"], BY_PERIOD)
    for name, style, rows in _group_lines(estimates):
        line = _thin(rows)
        axes.fill_between(
            line["period"], line["low"], line["high"], color=style.colour, alpha=0.25, lw=0
        )
        axes.plot(line["period"], line["mean"], style.line, color=style.colour, label=name)
    axes.set_xlim(left=0)
    axes.legend()


def _thin(line: Table) -> Table:
    """Return means over consecutive periods, so many that a line has POINTS at most.

    The ends of such a mean's interval are the means of its periods' ends, as for perfectly
    correlated periods: the interval is no narrower than it should be.
    """
    step = -(-len(line) // POINTS)
    if step <= 1:
        return line
    groups = line.groupby(np.arange(len(line)) // step)
    return groups.agg({"period": "first", "mean": "mean", "low": "mean", "high": "mean"})


def _group_lines(table: Table) -> Iterator[tuple[str, Style, Table]]:
    """Yield label, style and rows of each maker of each exchange, or of the market."""
    known = [name for name in ("exchange", "makers", "maker") if name in table]
    keys = [name for name in known if table[name].notna().all()]
    if not keys:
        yield "market", style_of("market"), table
        return
    for names, line in table.groupby(keys, observed=True, sort=False):
        label = " in ".join(dict.fromkeys(str(name) for name in reversed(names)))
        style = style_of(names[-1])
        if label != str(names[-1]):
            style = style._replace(line=BESIDE_RIVALS[style.line])
        yield label, style, line


def _draw_panels(
    table: Table, facet: str | None, draw: Callable[[Axes, Table], None], x: str, y: str
) -> Figure:
    values = [None] if facet is None or table.empty else list(table[facet].drop_duplicates())
    columns = 2 if len(values) == 4 else min(COLUMNS, len(values))
    rows = -(-len(values) // columns)
    figure = Figure(figsize=(WIDTH * max(columns, 1.5), HEIGHT * rows + 0.5), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, value in zip(grid, values, strict=False):
        draw(axes, table if value is None else table[table[str(facet)] == value])
        axes.set_title("" if value is None else str(value))
        axes.spines[["top", "right"]].set_visible(False)
        if axes.get_legend():
            axes.get_legend().remove()
    for axes in grid[len(values) :]:
        axes.set_visible(False)
    labels = {name: line for axes in grid for line, name in zip(*axes.get_legend_handles_labels(),
              strict=True)}  # fmt: skip
    entry = 0.8 + 0.085 * max(map(len, labels), default=0)  # width in inches
    ncols = min(4, max(1, int(figure.get_figwidth() / entry)))
    figure.legend(list(labels.values()), list(labels), loc="outside lower center", ncols=ncols)
    for axes in grid[: len(values)]:
        axes.set_xlabel(x)
        axes.tick_params(labelbottom=True)
    for axes in grid[::columns]:
        axes.set_ylabel(y)
    return figure
