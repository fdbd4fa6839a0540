"""A run as one self-contained page of HTML: claims, results, figures, parameters."""

import re
from base64 import b64encode
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure
from matplotlib.image import imread

from abm.numerics.describe import show_value
from abm.runs.metrics import OF_MARKET, TOTALS, list_headlines
from analysis import facets
from analysis.canvas import DPI, encode_figure
from analysis.claims import read_claims
from analysis.consistency import require_points_of_data
from analysis.load import LogError, Run
from analysis.overview import (
    MOST_PANELS,
    add_panel_labels,
    choose_facet,
    draw_by_parameter,
    draw_by_period,
    find_entry,
    list_panels,
)
from analysis.precision import convergence
from analysis.results import (
    comparisons,
    estimate_all_metrics,
    format_estimates,
    point_labels,
    totals,
    totals_by_block,
)

Table = pd.DataFrame

INCH = 84  # pixels of the page
POINTS = 72  # in an inch


class Picture(NamedTuple):
    """A figure, encoded for a page."""

    title: str
    kind: str
    content: str
    width: int  # in the page, in pixels


def report(run: Run) -> str:
    """Return the page of a run that holds an experiment's totals, or a record of makers.

    LogError if its points are not those of its data, or a file is not what it wrote.
    """
    require_points_of_data(run)
    page = Environment(
        loader=PackageLoader("analysis", "."), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    ).get_template("report.html.jinja")  # fmt: skip
    summary = totals_by_block(run)
    return page.render(
        run=run,
        markets=_count_markets(run, summary),
        claims=read_claims(run),
        results=format_estimates(estimate_all_metrics(summary, [*point_labels(run), "maker"])),
        comparisons=format_estimates(comparisons(run)),
        pictures=[*_load_pictures(run), *_draw_pictures(run, summary)],
    )


def _count_markets(run: Run, summary: Table) -> int:
    """Return the number of replications at all points together."""
    profit = summary[summary["metric"] == "profit"]
    return int(profit.drop_duplicates([*point_labels(run), "block"])["count"].sum())


def _load_pictures(run: Run) -> Iterator[Picture]:
    """Yield the figures that the run wrote, each in the first format that a page can show."""
    for name in dict.fromkeys(Path(file).stem for file in run.files):
        for suffix, (kind, measure) in KINDS.items():
            file = f"{name}.{suffix}"
            if file in run.files:
                content = run.content(file)
                try:
                    width = measure(content)
                except Exception as error:  # whatever libraries raise for what is no picture
                    raise LogError(
                        f"{run.folder}/{file} cannot be shown ({show_value(error)}): repeat the run"
                    ) from error
                yield Picture(name, kind, b64encode(content).decode(), width)
                break


def _measure_png(content: bytes) -> int:
    """Return the width of a picture in the page."""
    return int(imread(BytesIO(content)).shape[1]) * INCH // DPI


def _measure_svg(content: bytes) -> int:
    """Return the width of a figure in the page: its own, which is in points."""
    (points,) = re.findall(rb'<svg [^>]*?width="([0-9.]+)pt"', content)
    return round(float(points) / POINTS * INCH)


KINDS = {"png": ("png", _measure_png), "svg": ("svg+xml", _measure_svg)}
"""What a page can show, by suffix: the kind of image for browsers, and how its width is found."""


def _draw_pictures(run: Run, whole: Table) -> Iterator[Picture]:
    """Yield figures of any experiment: by period, by a parameter, and convergence."""
    keys = point_labels(run)
    panels = list_panels(keys)
    summary = run.table("summary") if "summary" in run.tables else pd.DataFrame()
    if {*keys, "maker"} <= set(summary):
        market = summary[summary["maker"].isna()]
        for metric in list_headlines(OF_MARKET):
            label = find_entry(metric, OF_MARKET).label_axis()
            figure = draw_by_period(market, metric, keys)
            yield _make_svg(f"{label} by period{_panel_note(summary, panels)}", figure)
    for x in [key for key in panels if pd.api.types.is_numeric_dtype(whole[key])][:1]:
        for metric in ("discounted_profit", "spread"):
            title = f"{find_entry(metric, TOTALS).label_axis()} by {x.replace('_', ' ')}"
            yield _make_svg(title, draw_by_parameter(whole, metric, keys, x))
    by_blocks = whole["block"].nunique() > 1
    rows = whole if by_blocks else pd.concat(totals(run, [*keys, "block"]))
    labelled = add_panel_labels(rows, panels)
    facet = choose_facet(labelled)
    table = convergence(labelled, "profit", [*keys, "maker", *filter(None, [facet])])
    figure = facets.convergence(table, "s.e. of profit (price)", facet)
    yield _make_svg(f"Convergence{_panel_note(rows, panels)}", figure)


def _panel_note(table: Table, names: list[str]) -> str:
    """Return the note in a title if only some panels are drawn."""
    count = len(table[names].drop_duplicates()) if names else 1
    return f" ({MOST_PANELS} of {count} panels)" if count > MOST_PANELS else ""


def _make_svg(title: str, figure: Figure) -> Picture:
    content = b64encode(encode_figure(figure, "svg")).decode()
    return Picture(title, "svg+xml", content, round(figure.get_figwidth() * INCH))
