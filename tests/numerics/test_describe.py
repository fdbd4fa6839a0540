"""What a notebook shows of a value: one short line, a small table, a thumbnail."""

import re
from base64 import b64decode
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from abm import Exchange, FixedSpread, GaussianBelief, GridBelief, Quote
from abm.bellman import solve
from abm.bellman.exact.value import load_fitted
from abm.experiment import Experiment, Simulation, grid
from abm.experiment.points import describe_points
from abm.makers import MarketMaker
from abm.market.noise import noise_of
from abm.numerics.describe import describe, draw_thumbnail, list_some, make_html, show_mean
from abm.runs.folder import RunFolder
from abm.runs.integrity import Stamp
from analysis import Run, load

INF = float("inf")
MAKERS = ("optimal", "zero-profit", partial(FixedSpread, belief="exact"))


def name_parts(market: Exchange) -> Iterator[object]:
    """Yield a market and all that is found in it."""
    yield from (market, market.tape, market.terms, market.law, *market.traders, market.clearing)
    yield from (market.inside, *market.clearing.dealings)
    for maker in market.makers:
        yield from (maker, maker.belief, maker.last)
        assert maker.last
        yield maker.last.likelihood


@pytest.mark.parametrize("replications", [1, 10, 10_000])
def test_everything_in_a_market_is_one_short_line(replications: int) -> None:
    market = Exchange(MAKERS[: 3 if replications < 100 else 2], prior_sd=3.0,
                      replications=replications).run(2)  # fmt: skip
    for part in name_parts(market):
        line = repr(part)
        assert len(line) <= 200
        assert "\n" not in line
        assert " at 0x" not in line
        assert line.startswith(f"{type(part).__name__}(")


def test_a_market_of_many_makers_names_the_first_and_how_many_more() -> None:
    market = Exchange(["fixed-spread"] * 60, replications=2_000, prior_sd=3.0)
    assert repr(market) == (
        "Exchange(fixed-spread, fixed-spread-2, fixed-spread-3, fixed-spread-4 and 56 more; "
        "prior_sd=3, 2000 markets, period 0)"
    )
    assert repr(market.tape) == (
        "Tape(fixed-spread, fixed-spread-2, fixed-spread-3, fixed-spread-4 and 56 more, "
        "0 periods, 2000 markets, all recorded)"
    )


def test_a_line_that_would_be_too_long_is_cut() -> None:
    line = describe(INF, "x" * 500)
    assert len(line) == 200
    assert line.startswith("float(xxx")
    assert line.endswith("x...)")


LINES: list[tuple[object, str]] = [
    (GaussianBelief(0.12, 1.3), "GaussianBelief(mean 0.12, sd 1.3)"),
    (GaussianBelief([0.0, 1.0], 2.0), "GaussianBelief(mean 0.5, sd 2; means over 2 markets)"),
    (GridBelief(0.0, 1.0).update(0, INF, 1.0),
     "GridBelief(mean 0.5642, sd 0.8256, after 1 signal)"),
    (Quote(-1.5, 1.0), "Quote(bid -1.5, ask 1)"),
    (Quote(-INF, 1.0), "Quote(bid -inf, ask 1)"),
    (Quote([-INF, -1.0], [1.0, 2.0]),
     "Quote(bid -1, ask 1.5, two-sided in 1; means over 2 markets)"),
    (noise_of(stats.laplace(scale=0.5)), "OtherNoise(laplace, sd 0.7071)"),
    (load_fitted(0.9), "ExactValue(discount=0.9, sds from 0 to 12)"),
    (Experiment(grid(makers=["optimal", "myopic"], prior_sd=[1, 3])),
     "Experiment(4 points in makers, prior_sd, 10000 markets, 100 periods, seed 0)"),
    (RunFolder("runs/mine", "mine", {}), "RunFolder(mine, not opened yet, "),
]  # fmt: skip


@pytest.mark.parametrize(("value", "line"), LINES, ids=lambda part: type(part).__name__)
def test_a_line_says_what_matters(value: object, line: str) -> None:
    assert repr(value) == line or (line.endswith(", ") and repr(value).startswith(line))


def test_a_solution_says_where_it_holds_and_how_exactly() -> None:
    line = repr(solve(0.9, 50.0))
    assert line.startswith("Solution(discount=0.9, rho from 0 to 50, residual ")
    assert "not converged" not in line


def test_a_maker_says_what_she_holds_and_believes() -> None:
    (maker,) = Exchange("fixed-spread", prior_sd=3.0).makers
    assert repr(maker) == (
        "FixedSpread(fixed-spread, inventory 0, cash 0, belief GaussianBelief(mean 0, sd 3))"
    )


def test_a_maker_without_a_belief_says_so() -> None:
    market = Exchange([partial(FixedSpread, belief=None)], replications=5)
    assert repr(market.makers[0]) == (
        "FixedSpread(fixed-spread, inventory 0, cash 0, no belief; means over 5 markets)"
    )


def test_a_maker_is_shown_also_before_she_is_made() -> None:
    unmade: MarketMaker = FixedSpread.__new__(FixedSpread)
    assert repr(unmade) == "FixedSpread(fixed-spread, no belief)"


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [([1.0, 2.0], "1.5"), ([1.0, INF, np.nan], "1"), ([INF, INF], "inf"), ([np.nan], "nan"),
     ([], "none"), (0.123456, "0.1235")],
)  # fmt: skip
def test_an_array_is_shown_by_the_mean_of_what_is_finite(numbers: Any, shown: str) -> None:
    assert show_mean(numbers) == shown


def test_few_names_are_all_listed() -> None:
    assert list_some("abcde") == "a, b, c, d, e"
    assert list_some("abcdef") == "a, b, c, d and 2 more"


def test_a_short_line_does_not_make_points_alike() -> None:
    makers = [partial(FixedSpread, belief=GaussianBelief(mean, 1.0)) for mean in (0.1, 0.1 + 1e-15)]
    first, second = (point["makers"] for point in describe_points([{"makers": m} for m in makers]))
    assert first == "fixed-spread(belief=GaussianBelief(mean=array(0.1), sd=array(1.)))"
    assert second != first


def test_what_lists_hold_is_described_in_full() -> None:
    beliefs: Any = {"a": [GaussianBelief(0.5, 1.0)], "b": (2,)}
    (point,) = describe_points([{"makers": partial(FixedSpread, belief=beliefs)}])
    assert point["makers"] == (
        "fixed-spread(belief={'a': [GaussianBelief(mean=array(0.5), sd=array(1.))], 'b': (2,)})"
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("describe") / "run"
    points = grid(makers=["optimal", "myopic"], prior_sd=[1.0, 3.0])
    Experiment(points, Simulation(), replications=4, periods=3, block=2).run(out)
    return load(out)


def test_a_run_says_what_it_holds(run: Run) -> None:
    line = repr(run)
    assert len(line) <= 200
    assert line.startswith(
        "Run(experiment, 4 replications, 3 periods, 4 points in makers, prior_sd, "
    )


@pytest.mark.parametrize("record", ["full", "summary"])
@pytest.mark.parametrize("replications", [1, 50])
def test_a_market_and_its_tape_are_tables_with_the_spread_as_a_line(
    record: str, replications: int
) -> None:
    market = Exchange("optimal", record=record, replications=replications).run(10)
    for shown in (market._repr_html_(), market.tape._repr_html_()):
        table = ElementTree.fromstring(shown)
        assert "optimal" in "".join(table.itertext())
        (line,) = (part for part in table.iter() if part.tag.endswith("polyline"))
        assert len(line.attrib["points"].split()) == 10


def test_a_market_that_has_not_begun_is_a_table_without_a_line() -> None:
    assert "polyline" not in Exchange("optimal")._repr_html_()


def test_a_solution_is_a_table_with_its_spread_as_a_line() -> None:
    table = ElementTree.fromstring(solve(0.9)._repr_html_())
    assert [part for part in table.iter() if part.tag.endswith("polyline")]


def test_a_run_is_a_table(run: Run) -> None:
    assert "4 points in makers, prior_sd" in run._repr_html_()
    assert "<img" not in run._repr_html_()


@pytest.mark.parametrize("content", [b"", b"png"])
def test_a_figure_that_cannot_be_read_is_left_out(tmp_path: Path, content: bytes) -> None:
    files = {"a.png": Stamp.of(content)._asdict()}
    lost = Run(tmp_path, "lost", {}, "", {}, {}, [], {}, files)
    assert "<img" not in lost._repr_html_()
    (tmp_path / "a.png").write_bytes(content)
    assert "<img" not in lost._repr_html_()


def test_a_figure_is_shown_small(tmp_path: Path) -> None:
    Image.new("L", (1800, 900)).save(tmp_path / "a.png")
    files = {"a.png": Stamp.of((tmp_path / "a.png").read_bytes())._asdict()}
    shown = Run(tmp_path, "shown", {}, "", {}, {}, [], {}, files)._repr_html_()
    found = re.search(r"<img src='data:image/png;base64,(\S+)' width='240'>", shown)
    assert found
    assert Image.open(BytesIO(b64decode(found[1]))).size == (480, 240)


def test_what_a_table_holds_is_escaped() -> None:
    assert "&lt;b&gt;" in make_html("<b>", {"a": 1})


def test_a_thumbnail_spans_its_picture_and_leaves_out_what_is_not_finite() -> None:
    picture = ElementTree.fromstring(draw_thumbnail([0.0, np.nan, 2.0, INF, 1.0], "x"))
    (line,) = (part for part in picture if part.tag.endswith("polyline"))
    assert line.attrib["points"] == "2.0,46.0 90.0,2.0 178.0,24.0"
    assert draw_thumbnail([1.0, np.nan], "x") == ""
    assert len(draw_thumbnail(list(range(30_000)), "x")) < 4_000
