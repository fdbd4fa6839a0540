"""A run as one page of HTML that needs nothing else: what was asked, what came of it, how sure."""

from base64 import b64encode
from collections.abc import Iterator
from functools import reduce
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.image import imread

from analysis import facets, metrics
from analysis.claims import claims_of
from analysis.load import Run
from analysis.precision import convergence
from analysis.results import apart, comparisons, quoted, results, totals

Table = pd.DataFrame

MEASURES = {
    "spread": ("spread (price)", "log"),
    "no_trade": ("probability of no trade", "linear"),
    "pricing_error": ("|mid - value| (price)", "log"),
    "profit": ("profit of all makers (price)", "linear"),
}
INCH = 84  # pixels of the page
DPI = 150  # of the figures that runs leave
MOST_PANELS = 6


class Picture(NamedTuple):
    """A figure, ready to be shown in a page."""

    title: str
    kind: str
    content: str
    width: int  # in the page, in pixels


def report(run: Run) -> str:
    """Return the page: claims, results, comparisons, figures, parameters, how to repeat it.

    Parameters
    ----------
    run : Run
        One with the totals of an experiment, or a record of makers.
    """
    frame = totals(run)
    page = Environment(
        loader=PackageLoader("analysis", "."), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    ).get_template("report.html.jinja")  # fmt: skip
    return page.render(
        run=run,
        markets=len(frame[[*apart(run, frame), "replication"]].drop_duplicates()),
        claims=claims_of(run),
        results=quoted(results(run, frame)),
        comparisons=quoted(comparisons(run, frame)),
        pictures=[*_own(run), *_drawn(run, frame)],
    )


def _own(run: Run) -> Iterator[Picture]:
    """Yield the figures that the run itself has left."""
    for file in run.files:
        if file.endswith(".png"):
            content = run.content(file)
            width = imread(BytesIO(content)).shape[1] * INCH // DPI
            yield Picture(Path(file).stem, "png", b64encode(content).decode(), width)


def _drawn(run: Run, frame: Table) -> Iterator[Picture]:
    """Yield figures of any experiment: over periods, over a parameter, and how sure they are."""
    keys = apart(run, frame)
    panels = [key for key in keys if key not in ("makers", "exchange")]
    numeric = [key for key in panels if pd.api.types.is_numeric_dtype(frame[key])]
    summary = run.table("summary") if "summary" in run.tables else pd.DataFrame()
    if {*keys, "maker"} <= set(summary):
        market = _labelled(summary[summary["maker"].isna()], panels)
        groups = [key for key in (*keys, "panel") if key in market]
        for metric, (label, scale) in MEASURES.items():
            table = metrics.by_period(market, metric, groups)
            figure = facets.by_period(table, label, _facet(table), scale=scale)
            yield _svg(f"{label} by period", figure)
    for x in numeric[:1]:
        others = _labelled(frame, [key for key in panels if key != x])
        groups = [key for key in (*keys, "panel", "maker") if key in others]
        for metric in ("discounted_profit", "spread"):
            table = metrics.estimates(others, metric, groups)
            label = metric.replace("_", " ") + " (price)"
            title = f"{label} by {x.replace('_', ' ')}"
            yield _svg(title, facets.by_parameter(table, label, x, _facet(table)))
    metric = "discounted_profit" if "discounted_profit" in frame else "profit"
    labelled = _labelled(frame, panels)
    groups = [key for key in (*keys, "panel", "maker") if key in labelled]
    label = f"s.e. of {metric.replace('_', ' ')} (price)"
    growing = convergence(labelled, metric, groups)
    yield _svg("Convergence", facets.convergence(growing, label, _facet(growing)))


def _labelled(table: Table, names: list[str]) -> Table:
    """Return the rows of the first points with a column `panel` that names their parameters."""
    if not names:
        return table
    words = [f"{name.replace('_', ' ')} = " + table[name].astype(str) for name in names]
    panel = reduce(lambda one, other: one + ", " + other, words)
    return table.assign(panel=panel)[panel.isin(panel.drop_duplicates()[:MOST_PANELS])]


def _facet(table: Table) -> str | None:
    return "panel" if "panel" in table else None


def _svg(title: str, figure: Figure) -> Picture:
    file = BytesIO()
    with rc_context({"svg.hashsalt": "market-shock"}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    width = round(figure.get_figwidth() * INCH)
    return Picture(title, "svg+xml", b64encode(file.getvalue()).decode(), width)
