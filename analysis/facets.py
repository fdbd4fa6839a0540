"""Figures with a panel for each value of a parameter, or one panel.

A maker's line looks the same in every panel; bands and bars are 95 % confidence intervals. Every
function draws on a figure of its own, or on matplotlib axes that are given as `ax`, and returns the
figure.
"""

from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from pandas.api.types import is_integer_dtype

from abm.numerics.arrays import Array
from analysis.canvas import Ax, finish_figure, make_panels, quote_text, with_settings
from analysis.columns import require_columns, require_rows
from analysis.style import FAINT, Style, assign_styles

BY_PERIOD = "metrics.by_period(table, metric)"  # what makes the tables of these figures
ESTIMATES = "metrics.estimates(table, metric, by)"
CONVERGENCE = "precision.convergence(table, metric, by)"

Table = pd.DataFrame
Styles = dict[str, Style]

COLUMNS = 3  # panels side by side
POINTS = 400  # of a line over periods, at most
WIDTH, HEIGHT = 4.0, 3.2  # of a panel, in inches; one by itself is half as wide again


@with_settings
def by_period(
    estimates: Table,
    label: str,
    facet: str | None = None,
    *,
    scale: str = "linear",
    ax: Ax = None,
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
    ax : Axes or sequence of Axes, optional
        Axes to draw on, one for each panel.
    """
    needed = _list_needed(facet, "period", "mean", "low", "high")
    require_rows("estimates", estimates, needed, BY_PERIOD)

    def draw(axes: Axes, table: Table, styles: Styles) -> None:
        draw_lines(axes, table, styles)
        _set_scale(axes, scale)

    return _draw_panels(estimates, facet, draw, "period", label, ax)


@with_settings
def by_parameter(
    estimates: Table,
    label: str,
    x: str,
    facet: str | None = None,
    *,
    scale: str = "linear",
    ax: Ax = None,
) -> Figure:
    """Draw a metric against a numeric parameter `x` of the points; the rest as in `by_period`.

    The scale may be "log-log" as well: of both axes.

    Examples
    --------
    >>> table = pd.DataFrame({"maker": ["optimal"] * 2, "prior_sd": [1, 3], "mean": [2, 9]})
    >>> figure = by_parameter(table.assign(low=1, high=10), "spread (noise sd)", "prior_sd")
    >>> figure.axes[0].get_xlabel()
    'prior sd'
    """
    needed = _list_needed(facet, x, "mean", "low", "high")
    require_rows("estimates", estimates, needed, ESTIMATES)

    def draw(axes: Axes, table: Table, styles: Styles) -> None:
        for name, _, line in _group_lines(table):
            style = styles[name]
            axes.errorbar(line[x], line["mean"], find_bars(line), marker=style.marker, ms=5,
                          ls=style.line, color=style.colour, capsize=2, label=name)  # fmt: skip
        _set_scale(axes, scale.removeprefix("log-"))
        if scale == "log-log":
            axes.set_xscale("log")
            axes.xaxis.set(major_formatter="{x:g}", minor_formatter="")
        elif is_integer_dtype(table[x]):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))

    return _draw_panels(estimates, facet, draw, x.replace("_", " "), label, ax)


@with_settings
def convergence(table: Table, label: str, facet: str | None = None, *, ax: Ax = None) -> Figure:
    """Draw standard errors against the number of replications, both on log scales.

    The table has the columns of `precision.convergence`, and the point labels; the rest is as in
    `by_period`.
    """
    require_columns("table", table, _list_needed(facet, "count", "se"), CONVERGENCE)

    def draw(axes: Axes, rows: Table, styles: Styles) -> None:
        for number, (name, _, line) in enumerate(_group_lines(rows[rows["se"] > 0])):
            axes.plot(line["count"], line["se"], label=name, **styles[name].mark(number))
        axes.set(xscale="log", yscale="log")
        axes.xaxis.set(major_formatter="{x:g}", minor_formatter="")
        label_plainly(axes.yaxis)
        ends = np.array([rows["count"].min(), rows["count"].max()], dtype=float)
        last = rows.loc[(rows["count"] == ends[1]) & (rows["se"] > 0), "se"]
        if len(last):
            slope = last.max() * np.sqrt(ends[1] / ends)
            axes.plot(ends, slope, color=FAINT, lw=0.8, zorder=0, label="1 / √replications")

    return _draw_panels(table, facet, draw, "replications", label, ax)


def find_bars(estimates: Table) -> Array:
    """Return the lengths of error bars, below and above each mean, as matplotlib takes them."""
    below, above = estimates["mean"] - estimates["low"], estimates["high"] - estimates["mean"]
    return np.array([below, above])


def _list_needed(facet: str | None, *columns: str) -> list[str]:
    return [*columns, facet] if facet else [*columns]


def _set_scale(axes: Axes, scale: str) -> None:
    axes.set_yscale(scale)
    if scale == "log":
        label_plainly(axes.yaxis)


def label_plainly(axis: Axis) -> None:
    """Label a log axis with plain numbers, also at 2 and 5 within a decade."""
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(lambda x, _: f"{x:g}" if f"{x:.0e}"[0] in "25" else "")


def draw_lines(axes: Axes, estimates: Table, styles: Styles | None = None) -> None:
    """Draw one line with its band for each maker of each exchange."""
    require_rows("estimates", estimates, ["period", "mean", "low", "high"], BY_PERIOD)
    styles = styles or assign_line_styles(estimates)
    for number, (name, _, rows) in enumerate(_group_lines(estimates)):
        line, style = _thin(rows), styles[name]
        line = line if line["mean"].notna().any() else line.iloc[:0]
        band = line["period"], line["low"], line["high"]
        axes.fill_between(*band, color=style.colour, alpha=0.25, lw=0)
        axes.plot(line["period"], line["mean"], label=name, **style.mark(number))
    axes.set_xlim(left=0)


def assign_line_styles(table: Table) -> Styles:
    """Return the style of each line by its label: the maker's, another line in each exchange."""
    makers = {label: maker for label, maker, _ in _group_lines(table)}
    styles, counts = assign_styles(makers.values()), Counter[str]()
    lines = {}
    for label, maker in makers.items():
        lines[label] = styles[maker].change_line(counts[maker])
        counts[maker] += 1
    return lines


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


def _group_lines(table: Table) -> Iterator[tuple[str, str, Table]]:
    """Yield label, maker and rows of each maker of each exchange, or of the market."""
    known = [name for name in ("exchange", "makers", "maker") if name in table]
    keys = [name for name in known if table[name].notna().all()]
    if not keys:
        yield "market", "market", table
        return
    for names, line in table.groupby(keys, observed=True, sort=False):
        label = " in ".join(dict.fromkeys(str(name) for name in reversed(names)))
        yield quote_text(label), str(names[-1]), line


def _draw_panels(
    table: Table,
    facet: str | None,
    draw: Callable[[Axes, Table, Styles], None],
    x: str,
    y: str,
    ax: Ax,
) -> Figure:
    values = [None] if facet is None or table.empty else list(table[facet].drop_duplicates())
    columns = 2 if len(values) == 4 else min(COLUMNS, len(values))
    rows = -(-len(values) // columns)
    size = (WIDTH * max(columns, 1.5), HEIGHT * rows + 0.5)
    figure, panels = make_panels(size, ax, rows, columns, len(values))
    styles = assign_line_styles(table)
    for axes, value in zip(panels, values, strict=True):
        draw(axes, table if value is None else table[table[str(facet)] == value], styles)
        axes.set_title("" if value is None else quote_text(str(value)))
        axes.set_xlabel(quote_text(x))
        axes.tick_params(labelbottom=True)
    for axes in panels[::columns]:
        axes.set_ylabel(y)
    return finish_figure(figure, panels)
