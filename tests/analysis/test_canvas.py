"""What figures are drawn on: the project's own settings, narrow columns, given axes, formats."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis import facets, figures
from analysis.canvas import StyledFigure, encode_figure
from scenarios._common.options import parse_formats
from scenarios.breakdown import Breakdown
from tests.files import ROOT

HOSTILE: dict[Any, Any] = {
    "text.usetex": True, "figure.figsize": (2.0, 9.0), "figure.dpi": 33, "font.size": 30.0,
    "font.family": ["monospace"], "axes.labelsize": 40.0, "xtick.labelsize": 1.0,
    "savefig.bbox": "tight", "savefig.dpi": 20, "savefig.facecolor": "black",
    "savefig.transparent": True, "figure.facecolor": "red", "axes.facecolor": "yellow",
    "axes.grid": True, "lines.linewidth": 9.0, "lines.marker": "x", "legend.frameon": True,
    "axes.prop_cycle": "cycler('color', ['pink'])", "axes.unicode_minus": False,
    "figure.constrained_layout.use": False, "figure.autolayout": True, "svg.fonttype": "path",
    "pdf.fonttype": 3, "axes.formatter.use_locale": True, "axes.xmargin": 0.4,
    "xtick.direction": "in", "image.cmap": "gray", "hatch.color": "red", "path.sketch": (1, 9, 2),
}  # fmt: skip
NAMES = ("optimal", "myopic", "zero-profit", "a-maker-of-some-length", "another-one")
DRAW = """
import sys
from tests.analysis.test_canvas import FIGURES
from analysis.canvas import encode_figure
sys.stdout.buffer.write(encode_figure(FIGURES["panels"](), "png", dpi=50))
"""
WORLDS = ("fixed", "redrawn")


def estimates(*points: str) -> pd.DataFrame:
    """Return estimates of NAMES in four periods, at each of these points."""
    rows = [(point, name, period) for point in points for name in NAMES for period in range(4)]
    table = pd.DataFrame(rows, columns=["panel", "maker", "period"])
    mean = 1.0 + table.index * 0.1
    return table.assign(mean=mean, se=0.05, count=9, low=mean - 0.1, high=mean + 0.1)


def realised() -> pd.DataFrame:
    """Return discounted profits of NAMES in both worlds."""
    rows = [(name, world, 1.0, 2.0, 1.8, 2.2) for name in NAMES for world in WORLDS]
    return pd.DataFrame(rows, columns=["maker", "process", "prior_sd", "mean", "low", "high"])


THEORY = pd.DataFrame({"prior_sd": [0.5, 2.0], "value": [2.0, 1.0]})
POLICIES = estimates("").rename(columns={"period": "rho", "mean": "spread"})
CURVES = pd.DataFrame({"period": [1, 1, 30, 30], "value": [0.0, 1.0, 0.0, 1.0]}).assign(
    exact=0.5, gaussian=0.4
)
MARKET = pd.DataFrame({"period": [0, 1], "value": 0.3, "valuation": [2.0, -2.0], "ask": 1.0,
                       "bid": -1.0, "side": [1, -1]})  # fmt: skip
MAKERS = MARKET[["period", "ask", "bid"]].assign(maker="tight", belief_mean=0.0, belief_sd=1.0)
FIGURES: dict[str, Callable[..., Figure]] = {
    "panels": lambda **ax: facets.by_period(
        estimates("σ = 1, public", "σ = 3, own"), "spread (noise sd)", "panel", **ax
    ),
    "parameter": lambda **ax: facets.by_parameter(
        estimates(""), "discounted profit (noise sd)", "period", **ax
    ),
    "convergence": lambda **ax: facets.convergence(
        estimates("").assign(count=POLICIES["rho"] + 1), "s.e. of profit (price)", **ax
    ),
    "posteriors": lambda **ax: figures.posteriors(CURVES, **ax),
    "discounted_profit": lambda **ax: figures.discounted_profit(realised(), THEORY, **ax),
    "spread_by_rho": lambda **ax: figures.spread_by_rho(POLICIES, 1.5, **ax),
    "profit": lambda **ax: figures.profit_by_period(estimates(""), **ax),
    "spread": lambda **ax: figures.spread_by_period(estimates(""), **ax),
    "no_trade": lambda **ax: figures.no_trade_by_period(estimates(""), **ax),
    "one_market": lambda **ax: figures.one_market(MARKET, MAKERS, **ax),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_has_the_same_bytes_whatever_the_users_settings(name: str) -> None:
    mine = encode_figure(FIGURES[name](), "png", dpi=50)
    with mpl.rc_context(HOSTILE):
        assert encode_figure(FIGURES[name](), "png", dpi=50) == mine


def test_a_figure_has_the_same_bytes_whatever_the_users_matplotlibrc(tmp_path: Path) -> None:
    lines = [
        f"{name}: {str(value).strip('()[]') if isinstance(value, tuple | list) else value}"
        for name, value in HOSTILE.items()
        if name != "font.family"
    ]
    (tmp_path / "matplotlibrc").write_text("\n".join([*lines, "font.family: monospace"]))
    environment = os.environ | {
        "MATPLOTLIBRC": str(tmp_path),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-P", "-c", DRAW], capture_output=True, check=True, env=environment
    )
    assert done.stdout == encode_figure(FIGURES["panels"](), "png", dpi=50)


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_is_cut_in_the_column_of_a_journal(name: str) -> None:
    figure = FIGURES[name]()
    figure.set_size_inches(3.4, 3.4)
    figure.draw_without_rendering()
    width, height = figure.bbox.size
    boxes = [axes.get_tightbbox() for axes in figure.axes]
    boxes += [legend.get_window_extent() for legend in figure.legends]
    assert len(boxes) == len(figure.axes) + 1
    for box in boxes:
        assert box is not None
        assert -0.5 <= box.x0 <= box.x1 <= width + 0.5
        assert -0.5 <= box.y0 <= box.y1 <= height + 0.5
    for axes in figure.axes:
        assert axes.get_window_extent().height > height / 4


def test_text_has_its_full_size_again_in_a_wide_figure() -> None:
    figure = FIGURES["profit"]()
    (axes,) = figure.axes
    sizes: list[Any] = []
    for width in (3.4, 6.4):
        figure.set_size_inches(width, 4)
        figure.draw_without_rendering()
        sizes.append((axes.yaxis.label.get_fontsize(), axes.get_xticklabels()[0].get_fontsize()))
    np.testing.assert_allclose(sizes, [(8.16, 7.48), (12, 11)], rtol=1e-9)


@pytest.mark.parametrize("ax", [3, "axes", Figure(), [None]], ids=["3", "axes", "figure", "none"])
def test_what_are_no_axes_is_refused(ax: Any) -> None:
    says = r"^ax is .*, but must be Axes of matplotlib, one for each panel: give some"
    with pytest.raises(TypeError, match=says):
        FIGURES["spread"](ax=ax)


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_drawn_on_axes_that_are_given(name: str) -> None:
    own = FIGURES[name]()
    figure = Figure()
    panels = figure.subplots(1, len(own.axes), squeeze=False)[0]
    ax = panels[0] if len(panels) == 1 else panels
    assert FIGURES[name](ax=ax) is figure
    for axes, theirs in zip(panels, own.axes, strict=True):
        assert len(axes.lines) == len(theirs.lines) > 0
    (legend,) = (axes.get_legend() for axes in panels if axes.get_legend())
    names = [text.get_text() for text in own.legends[0].get_texts()]
    assert [text.get_text() for text in legend.get_texts()] == names


def test_axes_must_be_as_many_as_the_panels() -> None:
    with pytest.raises(ValueError, match="ax is 1 axes, but the figure has 2 panels: give one"):
        FIGURES["panels"](ax=Figure().subplots())


def test_a_figure_shows_itself() -> None:
    figure = FIGURES["profit"]()
    assert isinstance(figure, StyledFigure)
    assert figure._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["panels", "convergence", "spread_by_rho", "profit", "spread"])
def test_makers_with_no_style_of_their_own_differ_in_a_figure_also_in_grey(name: str) -> None:
    (first, *_) = FIGURES[name]().axes
    lines = [line for line in first.lines if line.get_label() in NAMES]
    assert len({(line.get_linestyle(), line.get_marker()) for line in lines}) == len(NAMES)


def test_pdf_and_svg_keep_text_as_text_and_have_no_date() -> None:
    svg = encode_figure(FIGURES["profit"](), "svg")
    assert b">profit a period (noise sd)</text>" in svg
    assert svg == encode_figure(FIGURES["profit"](), "svg")
    pdf = encode_figure(FIGURES["profit"](), "pdf")
    assert pdf == encode_figure(FIGURES["profit"](), "pdf")
    assert b"/TrueType" in pdf or b"/CIDFontType2" in pdf
    assert b"/Type3" not in pdf


def test_a_study_leaves_figures_in_the_formats_that_are_asked_for(tmp_path: Path) -> None:
    study = Breakdown(prior_sd="1,3", replications=4, periods=2)
    study.run(str(tmp_path / "run"), formats="pdf, svg")
    names = sorted(path.name for path in (tmp_path / "run").iterdir())
    figures = [name for name in names if re.search(r"\.(png|pdf|svg)$", name)]
    assert figures == ["frozen.pdf", "frozen.svg", "spread.pdf", "spread.svg"]


def test_a_format_is_named_once_and_must_be_known() -> None:
    assert parse_formats("svg,png,svg") == ["svg", "png"]
    with pytest.raises(ValueError, match="format is 'gif', but must be one of png, pdf, svg: give"):
        parse_formats("png,gif")
