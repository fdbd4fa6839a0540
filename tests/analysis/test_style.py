"""The style of figures: makers who differ look different, in grey too, and no line is pale."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from abm.participants.registry import MAKER_TYPES
from analysis.style import (
    ACCENT,
    COLOURS,
    FAINT,
    FIXED,
    INK,
    LONG_DASHED,
    SETTINGS,
    TWICE_DOTTED,
    Style,
    assign_styles,
    use_settings,
)

STUDENTS = ["follower", "shy", "cautious", "learner", "tight"]  # once one line, by their hash
ALL = [*(style.colour for style in FIXED.values()), *COLOURS, INK, FAINT, ACCENT]


def measure_luminance(colour: str) -> float:
    """Return the relative luminance of a colour (WCAG 2.1)."""
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("colour", dict.fromkeys(ALL))
def test_every_colour_stands_out_from_white(colour: str) -> None:
    assert 1.05 / (measure_luminance(colour) + 0.05) >= 3.0


def test_a_pale_yellow_would_not_stand_out() -> None:
    assert 1.05 / (measure_luminance("#ece133") + 0.05) < 3.0


def measure_lightness(colour: str) -> float:
    """Return how light a colour is in grey print, from 0 to 100 (CIE 1976 L*, for Y > .009)."""
    return float(116 * np.cbrt(measure_luminance(colour)) - 16)


def test_lightness_is_that_of_the_standard() -> None:
    assert measure_lightness("#ffffff") == pytest.approx(100.0)
    assert measure_lightness("#777777") == pytest.approx(50.0, abs=0.1)


@pytest.mark.parametrize(
    "names",
    [["optimal", "myopic", "zero-profit"], ["exact", "gaussian"]],
    ids=["makers", "beliefs"],
)
def test_what_is_drawn_together_is_15_apart_in_lightness(names: list[str]) -> None:
    lightnesses = sorted(measure_lightness(FIXED[name].colour) for name in names)
    assert np.diff(lightnesses).min() >= 15
    assert np.diff([measure_lightness(colour) for colour in (INK, ACCENT, FAINT)]).min() >= 15


def test_makers_who_come_after_each_other_are_20_apart_in_lightness() -> None:
    styles = assign_styles([f"maker-{number}" for number in range(13)]).values()
    lightnesses = [measure_lightness(style.colour) for style in styles]
    assert np.abs(np.diff(lightnesses)).min() >= 20


def test_the_first_three_of_a_users_makers_have_lines_that_no_maker_of_the_paper_has() -> None:
    papers = {FIXED[name].line for name in ("optimal", "myopic", "zero-profit")}
    lines = [style.line for style in assign_styles(["shy", "tight", "cautious"]).values()]
    assert len(set(lines)) == 3
    assert not papers.intersection(lines)


@pytest.mark.parametrize("company", [[], ["rival"], ["a", "b", "c"]])
def test_the_papers_makers_look_the_same_in_every_company(company: list[str]) -> None:
    styles = assign_styles([*company, "zero-profit", "optimal", "myopic"])
    assert styles["optimal"] == Style("#003f7f", "-", "o")
    assert styles["myopic"] == Style("#ae4b00", "--", "s")
    assert styles["zero-profit"] == Style("#1fa37b", "-.", "D")


def test_the_papers_makers_differ_in_colour_in_line_and_in_marker() -> None:
    styles = [FIXED[name] for name in ("optimal", "myopic", "zero-profit")]
    for look in zip(*styles, strict=True):
        assert len(set(look)) == 3


@pytest.mark.parametrize(
    "names",
    [STUDENTS, [*MAKER_TYPES.list_names(), *STUDENTS], [f"maker-{number}" for number in range(28)]],
    ids=["students", "all", "many"],
)
def test_makers_of_one_figure_differ_also_in_grey(names: list[str]) -> None:
    styles = assign_styles(names)
    assert list(styles) == names
    assert len({(style.line, style.marker) for style in styles.values()}) == len(names)


def test_makers_beside_the_papers_have_other_colours() -> None:
    free = {style.colour for style in assign_styles(STUDENTS).values()}
    assert len(free) == len(STUDENTS)
    assert not free & {style.colour for style in FIXED.values()}


def test_a_maker_named_twice_has_one_style() -> None:
    styles = assign_styles(["shy", "tight", "shy"])
    assert list(styles) == ["shy", "tight"]
    assert styles == assign_styles(["shy", "tight"])


def test_a_line_goes_on_to_the_next_and_round() -> None:
    lines = [FIXED["zero-profit"].change_line(steps).line for steps in range(5)]
    assert lines == ["-.", ":", TWICE_DOTTED, LONG_DASHED, "-"]


def test_lines_that_coincide_show_their_markers_in_turn() -> None:
    firsts = [FIXED["optimal"].mark(number)["markevery"] for number in range(5)]
    np.testing.assert_allclose(firsts, [(0, 0.12), (0.03, 0.12), (0.06, 0.12), (0.09, 0.12),
                                        (0, 0.12)])  # fmt: skip


def test_settings_are_the_projects_own_within_and_the_users_after() -> None:
    with mpl.rc_context({"text.usetex": True, "figure.figsize": (2.0, 2.0), "font.size": 30.0}):
        with use_settings():
            assert not mpl.rcParams["text.usetex"]
            assert list(mpl.rcParams["figure.figsize"]) == [6.4, 4.8]
            assert mpl.rcParams["font.size"] == SETTINGS["font.size"] == 12
        assert mpl.rcParams["text.usetex"]
        assert list(mpl.rcParams["figure.figsize"]) == [2.0, 2.0]
