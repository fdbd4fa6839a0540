"""Figures with panels: what each holds, that makers look alike in all, and that nothing is cut."""

from collections.abc import Callable
from functools import cache
from io import BytesIO
from itertools import combinations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis import facets
from analysis.style import FAINT, FIXED, SETTINGS

MAKERS = ("optimal", "myopic", "zero-profit")
SOME = ("optimal", "myopic", "zero-profit", "fixed-spread", "undercutter")
PANELS = (1, 2, 3, 5)

HALF = 2.0096  # Student's, with 49 degrees of freedom


def estimates(panels: int, x: str, values: tuple[float, ...]) -> pd.DataFrame:
    """Return estimates against a column `x` of three makers, in so many panels."""
    rng = np.random.default_rng(1)
    rows = [
        {"panel": f"shock = {panel}", "maker": maker, x: value}
        for panel in range(panels)
        for maker in MAKERS
        for value in values
    ]
    mean, se = rng.uniform(1, 2, len(rows)), rng.uniform(0.01, 0.1, len(rows))
    ends = {"low": mean - HALF * se, "high": mean + HALF * se}
    return pd.DataFrame(rows).assign(mean=mean, se=se, count=50, **ends)


def over_periods(panels: int = 2) -> pd.DataFrame:
    return estimates(panels, "period", (0, 1, 2, 3))


def over_shocks(panels: int = 2) -> pd.DataFrame:
    return estimates(panels, "prior_sd", (0.5, 1.0, 10.0))


def converging(panels: int = 2) -> pd.DataFrame:
    table = estimates(panels, "count", (2, 10, 100, 1000))
    table["count"] = np.tile([2, 10, 100, 1000], panels * len(MAKERS))
    return table.assign(se=3 / np.sqrt(table["count"]))


def facet(panels: int) -> str | None:
    return "panel" if panels > 1 else None


DRAWN: dict[str, Callable[[int], Figure]] = {
    "by_period": lambda n: facets.by_period(over_periods(n), "spread (price)", facet(n)),
    "by_parameter": lambda n: facets.by_parameter(over_shocks(n), "profit", "prior_sd", facet(n)),
    "convergence": lambda n: facets.convergence(converging(n), "s.e. (price)", facet(n)),
}


LABELS = {
    "by_period": ("period", "spread (price)"),
    "by_parameter": ("prior sd", "profit"),
    "convergence": ("replications", "s.e. (price)"),
}


@cache
def drawn(name: str, panels: int) -> Figure:
    """Return a figure as it comes out, laid out; only to be looked at."""
    figure = DRAWN[name](panels)
    figure.draw_without_rendering()
    return figure


def seen(figure: Figure) -> list[Axes]:
    """Return the panels that are not hidden."""
    return [axes for axes in figure.axes if axes.get_visible()]


def line_labelled(axes: Axes, label: str) -> Line2D:
    (line,) = (line for line in axes.lines if line.get_label() == label)
    return line


def bars(axes: Axes) -> dict[str, ErrorbarContainer]:
    return {
        str(one.get_label()): one for one in axes.containers if isinstance(one, ErrorbarContainer)
    }


def legend(figure: Figure) -> list[str]:
    (one,) = figure.legends
    assert all(axes.get_legend() is None for axes in figure.axes)
    return [text.get_text() for text in one.get_texts()]


@pytest.mark.parametrize("panels", PANELS)
@pytest.mark.parametrize("name", DRAWN)
def test_every_value_has_a_panel_and_no_other_is_seen(name: str, panels: int) -> None:
    titles = [axes.get_title() for axes in seen(drawn(name, panels))]
    assert titles == ([""] if panels == 1 else [f"shock = {panel}" for panel in range(panels)])


@pytest.mark.parametrize("panels", PANELS)
@pytest.mark.parametrize("name", DRAWN)
def test_axes_are_named_and_the_lowest_panels_say_of_what(name: str, panels: int) -> None:
    figure = drawn(name, panels)
    across, up = LABELS[name]
    columns = min(panels, facets.COLUMNS)
    for axes in seen(figure)[-columns:]:
        assert axes.get_xlabel() == across
        ticks = [one.get_text() for one in axes.get_xticklabels() if one.get_visible()]
        assert any(ticks)
    named = [axes.get_ylabel() for axes in seen(figure)[::columns]]
    assert up in {figure.get_supylabel(), *named}


@pytest.mark.parametrize("panels", PANELS)
@pytest.mark.parametrize("name", DRAWN)
def test_there_is_one_legend_with_a_line_for_each_maker_in_the_tables_order(
    name: str, panels: int
) -> None:
    extra = ["1 / √replications"] if name == "convergence" else []
    assert legend(drawn(name, panels)) == [*MAKERS, *extra]


@pytest.mark.parametrize("panels", PANELS)
@pytest.mark.parametrize("name", DRAWN)
def test_nothing_overlaps_or_is_cut_off(name: str, panels: int) -> None:
    figure = drawn(name, panels)
    width, height = figure.bbox.size
    boxes = [axes.get_tightbbox() for axes in seen(figure)]
    boxes += [one.get_window_extent() for one in figure.legends]
    known = [box for box in boxes if box]
    assert len(known) == panels + 1
    for number, box in enumerate(known):
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= width
        assert box.y1 <= height
        assert not any(box.overlaps(other) for other in known[:number])


@pytest.mark.parametrize("name", DRAWN)
def test_makers_look_alike_in_all_panels(name: str) -> None:
    for axes in seen(drawn(name, 5)):
        for maker in MAKERS:
            one = bars(axes)[maker].lines[0] if bars(axes) else line_labelled(axes, maker)
            assert to_hex(one.get_color()) == FIXED[maker].colour
            assert one.get_linestyle() == FIXED[maker].line


@pytest.mark.parametrize("name", DRAWN)
def test_all_figures_have_the_same_look(name: str) -> None:
    figure = drawn(name, 2)
    assert not figure.legends[0].get_frame_on()
    ticks = {one.get_fontsize() for axes in figure.axes for one in axes.get_xticklabels()}
    assert ticks == {SETTINGS["xtick.labelsize"]}


@pytest.mark.parametrize("name", DRAWN)
def test_panels_share_their_axes(name: str) -> None:
    figure = drawn(name, 5)
    assert len({axes.get_xlim() for axes in seen(figure)}) == 1
    assert len({axes.get_ylim() for axes in seen(figure)}) == 1


@pytest.mark.parametrize("name", DRAWN)
def test_matplotlib_is_left_as_it_was(name: str) -> None:
    mpl.get_backend()  # settles on one, if nothing has yet
    before = mpl.rcParams.copy()
    DRAWN[name](2)
    assert mpl.rcParams == before


def test_panels_hold_the_means_of_their_own_rows_within_bands() -> None:
    table = over_periods(5)
    for axes in seen(facets.by_period(table, "spread", "panel")):
        here = table[table["panel"] == axes.get_title()]
        bands = {to_hex(np.asarray(one.get_facecolor())[0]): one for one in axes.collections}
        assert len(bands) == len(MAKERS)
        for maker in MAKERS:
            hers = here[here["maker"] == maker]
            line = line_labelled(axes, maker)
            np.testing.assert_array_equal(line.get_xdata(), hers["period"])
            np.testing.assert_array_equal(line.get_ydata(), hers["mean"])
            corners = np.asarray(bands[FIXED[maker].colour].get_paths()[0].vertices)
            assert corners[:, 1].max() == pytest.approx((hers["mean"] + HALF * hers["se"]).max())
            assert corners[:, 1].min() == pytest.approx((hers["mean"] - HALF * hers["se"]).min())


def test_panels_hold_the_means_of_their_own_rows_with_bars() -> None:
    table = over_shocks(3)
    for axes in seen(facets.by_parameter(table, "profit", "prior_sd", "panel")):
        here = table[table["panel"] == axes.get_title()]
        for maker, container in bars(axes).items():
            hers = here[here["maker"] == maker]
            np.testing.assert_array_equal(container.lines[0].get_xdata(), hers["prior_sd"])
            (drawn,) = container.lines[2]
            assert isinstance(drawn, LineCollection)
            ends = np.array([segment[:, 1] for segment in drawn.get_segments()])
            half = HALF * hers["se"].to_numpy()
            mean = hers["mean"].to_numpy()
            np.testing.assert_allclose(ends, np.stack([mean - half, mean + half], axis=1))


@pytest.mark.parametrize(
    ("scale", "axis_scales"),
    [("linear", ("linear", "linear")), ("log", ("linear", "log")), ("log-log", ("log", "log"))],
)
def test_the_scales_over_a_parameter_are_as_asked_for(
    scale: str, axis_scales: tuple[str, str]
) -> None:
    figure = facets.by_parameter(over_shocks(), "profit", "prior_sd", "panel", scale=scale)
    for axes in seen(figure):
        assert (axes.get_xscale(), axes.get_yscale()) == axis_scales


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_the_scale_over_periods_is_as_asked_for(scale: str) -> None:
    figure = facets.by_period(over_periods(), "spread", "panel", scale=scale)
    assert {axes.get_yscale() for axes in seen(figure)} == {scale}
    assert {axes.get_xscale() for axes in seen(figure)} == {"linear"}


def test_convergence_is_straight_where_noise_falls_with_the_root() -> None:
    for axes in seen(drawn("convergence", 2)):
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
        slope = line_labelled(axes, "1 / √replications")
        assert to_hex(slope.get_color()) == FAINT
        np.testing.assert_array_equal(slope.get_xdata(), [2, 1000])
        assert slope.get_ydata() == pytest.approx(3 / np.sqrt([2, 1000]))
        line = line_labelled(axes, "myopic")
        assert line.get_ydata() == pytest.approx(3 / np.sqrt([2, 10, 100, 1000]))


def test_what_has_no_noise_is_left_out_of_convergence() -> None:
    table = converging(1)
    table.loc[table["maker"] == "myopic", "se"] = 0.0
    table.loc[table["maker"] == "optimal", "se"] = np.nan
    figure = facets.convergence(table, "s.e.")
    assert legend(figure) == ["zero-profit", "1 / √replications"]
    figure.savefig(BytesIO(), format="svg")


def test_without_any_noise_convergence_is_an_empty_figure() -> None:
    figure = facets.convergence(converging(1).assign(se=0.0), "s.e.")
    assert not figure.axes[0].lines
    figure.savefig(BytesIO(), format="svg")


def test_one_replication_is_drawn_without_bands_or_bars() -> None:
    for figure in (
        facets.by_period(over_periods().assign(se=np.nan), "spread", "panel"),
        facets.by_parameter(over_shocks().assign(se=np.nan), "profit", "prior_sd", "panel"),
    ):
        figure.savefig(BytesIO(), format="svg")
        assert legend(figure) == list(MAKERS)


@pytest.mark.parametrize("panel", [None, "panel"])
def test_one_replication_converges_to_nothing_in_an_empty_figure(panel: str | None) -> None:
    figure = facets.convergence(converging().iloc[:0], "s.e.", panel)
    assert not [line for axes in figure.axes for line in axes.lines]
    figure.savefig(BytesIO(), format="svg")


def test_the_whole_market_is_drawn_where_there_is_no_maker() -> None:
    table = over_periods(1).query("maker == 'myopic'")
    alone = facets.by_period(table.assign(maker=None), "probability of no trade")
    assert len(alone.axes[0].lines) == 1
    assert legend(alone) == ["market"]
    table = over_periods(1).rename(columns={"maker": "makers"}).assign(maker=None)
    assert legend(facets.by_period(table, "probability of no trade")) == list(MAKERS)


@pytest.mark.parametrize("pair", list(combinations(SOME, 2)))
def test_makers_who_share_an_exchange_are_named_with_it_and_look_different(
    pair: tuple[str, str],
) -> None:
    one = over_periods(1).query("maker == 'optimal'")
    company = "+".join(pair)
    places = [*zip(pair, pair, strict=True), *((company, maker) for maker in pair)]
    tables = [one.assign(makers=makers, maker=maker) for makers, maker in places]
    table = pd.concat(tables)
    names = [*pair, *(f"{maker} in {company}" for maker in pair)]
    assert legend(facets.by_period(table, "spread (price)")) == names
    styles = facets.assign_line_styles(table)
    assert len({(styles[name].colour, styles[name].line) for name in names}) == 4


def test_panels_are_in_the_order_of_the_table() -> None:
    table = over_periods(3)
    table["panel"] = table["panel"].str.replace("0", "10")
    titles = [axes.get_title() for axes in seen(facets.by_period(table, "spread", "panel"))]
    assert titles == ["shock = 10", "shock = 1", "shock = 2"]
