"""A run as one self-contained page of HTML: claims, results, figures, parameters."""

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
from analysis.claims import read_claims
from analysis.load import Run
from analysis.precision import convergence
from analysis.results import (
    comparisons,
    format_estimates,
    point_labels,
    results,
    totals,
    totals_by_block,
)

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
    """A figure, encoded for a page."""

    title: str
    kind: str
    content: str
    width: int  # in the page, in pixels


def report(run: Run) -> str:
    """Return the page of a run that holds an experiment's totals, or a record of makers."""
    page = Environment(
        loader=PackageLoader("analysis", "."), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    ).get_template("report.html.jinja")  # fmt: skip
    summary = totals_by_block(run)
    return page.render(
        run=run,
        markets=_count_markets(run, summary),
        claims=read_claims(run),
        results=format_estimates(results(run)),
        comparisons=format_estimates(comparisons(run)),
        pictures=[*_load_pictures(run), *_draw_pictures(run, summary)],
    )


def _count_markets(run: Run, summary: Table) -> int:
    """Return the number of replications at all points together."""
    profit = summary[summary["metric"] == "profit"]
    return int(profit.drop_duplicates([*point_labels(run), "block"])["count"].sum())


def _load_pictures(run: Run) -> Iterator[Picture]:
    """Yield the figures that the run wrote."""
    for file in run.files:
        if file.endswith(".png"):
            content = run.content(file)
            width = imread(BytesIO(content)).shape[1] * INCH // DPI
            yield Picture(Path(file).stem, "png", b64encode(content).decode(), width)


def _draw_pictures(run: Run, whole: Table) -> Iterator[Picture]:
    """Yield figures of any experiment: by period, by a parameter, and convergence."""
    keys = point_labels(run)
    panels = [key for key in keys if key not in ("makers", "exchange")]
    summary = run.table("summary") if "summary" in run.tables else pd.DataFrame()
    if {*keys, "maker"} <= set(summary):
        market = _label_panels(summary[summary["maker"].isna()], panels)
        for metric, (label, scale) in MEASURES.items():
            table = metrics.by_period(market, metric, [*keys, *_facet(market)])
            figure = facets.by_period(table, label, *_facet(market), scale=scale)
            yield _make_svg(f"{label} by period{_panel_note(summary, panels)}", figure)
    for x in [key for key in panels if pd.api.types.is_numeric_dtype(whole[key])][:1]:
        others = _label_panels(whole, [key for key in panels if key != x])
        for metric in ("discounted_profit", "spread"):
            table = metrics.estimates(others, metric, [*keys, "maker", *_facet(others)])
            label = f"{metric.replace('_', ' ')} (price)"
            title = f"{label} by {x.replace('_', ' ')}"
            yield _make_svg(title, facets.by_parameter(table, label, x, *_facet(others)))
    by_blocks = whole["block"].nunique() > 1
    rows = whole if by_blocks else pd.concat(totals(run, [*keys, "block"]))
    labelled = _label_panels(rows, panels)
    table = convergence(labelled, "profit", [*keys, "maker", *_facet(labelled)])
    figure = facets.convergence(table, "s.e. of profit (price)", *_facet(labelled))
    yield _make_svg(f"Convergence{_panel_note(rows, panels)}", figure)


def _label_panels(table: Table, names: list[str]) -> Table:
    """Return the rows of the first MOST_PANELS points, with their parameters in column `panel`."""
    if not names:
        return table
    words = [f"{name.replace('_', ' ')} = " + table[name].astype(str) for name in names]
    panel = reduce(lambda left, right: left + ", " + right, words)
    return table.assign(panel=panel)[panel.isin(panel.drop_duplicates()[:MOST_PANELS])]


def _panel_note(table: Table, names: list[str]) -> str:
    """Return the note in a title if only some panels are drawn."""
    count = len(table[names].drop_duplicates()) if names else 1
    return f" ({MOST_PANELS} of {count} panels)" if count > MOST_PANELS else ""


def _facet(table: Table) -> list[str]:
    """Return the column of panels in a list, or an empty one if there is none."""
    return ["panel"] if "panel" in table else []


def _make_svg(title: str, figure: Figure) -> Picture:
    file = BytesIO()
    with rc_context({"svg.hashsalt": "market-shock"}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    width = round(figure.get_figwidth() * INCH)
    return Picture(title, "svg+xml", b64encode(file.getvalue()).decode(), width)
