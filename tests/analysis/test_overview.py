"""A market, and a run, in one call: what is drawn, and what is refused."""

import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import analysis
from abm import Exchange
from abm.experiment import Experiment, Simulation, grid
from analysis import Run, load
from tests.files import ROOT


@pytest.fixture(scope="module")
def market() -> Exchange:
    return Exchange(["optimal", "zero-profit"], prior_sd=3.0, replications=20, rng=3).run(8)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("overview") / "run"
    points = grid(makers=["optimal", ["optimal", "fixed-spread"]], prior_sd=[1.0, 3.0])
    Experiment(points, Simulation(), replications=10, periods=5, block=5).run(out)
    return load(out)


def list_labels(figure: Figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_a_market_is_its_spreads_and_one_story(market: Exchange) -> None:
    figure = analysis.plot(market)
    spread, story = figure.axes
    assert (spread.get_xlabel(), spread.get_yscale()) == ("period", "log")
    summary = market.tape.summary
    hers = summary[(summary["maker"] == "optimal") & (summary["metric"] == "spread")]
    np.testing.assert_allclose(np.asarray(spread.lines[0].get_ydata()), hers["mean"], rtol=1e-12)
    (value,) = (line for line in story.lines if line.get_label() == "value")
    rows = market.tape.market.query("replication == 0")
    np.testing.assert_array_equal(value.get_ydata(), rows["value"])
    assert list_labels(figure)[:2] == ["optimal", "zero-profit"]


def test_a_story_is_of_the_replication_and_the_maker_asked_for(market: Exchange) -> None:
    story = analysis.plot(market, replication=4, maker="zero-profit").axes[1]
    (ask,) = (line for line in story.lines if line.get_label() == "ask and bid")
    rows = market.tape.makers.query("replication == 4 and maker == 'zero-profit'")
    np.testing.assert_array_equal(ask.get_ydata(), rows["ask"])


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"replication": 20}, "replication is 20, but must be one in this market, as 0, 1, 2, 3"),
        ({"replication": "a"}, "replication is 'a', but must be one in this market, as 0, 1, 2"),
        ({"maker": "nobody"}, "maker is 'nobody', which is unknown: known: optimal, zero-profit"),
        ({"maker": "optmal"}, "maker is 'optmal', which is unknown: did you mean 'optimal'"),
    ],
)
def test_who_is_not_in_the_market_has_no_story(
    market: Exchange, wanted: dict[str, object], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        analysis.plot(market, **wanted)  # type: ignore[arg-type]


def test_a_tape_of_summaries_has_no_story() -> None:
    market = Exchange("optimal", record="summary", replications=5).run(3)
    assert len(analysis.plot(market).axes) == 1


def test_an_empty_tape_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match=r"the tape is empty.*call run\(periods\) first"):
        analysis.plot(Exchange("optimal"))


def test_any_object_with_a_tape_is_a_market(market: Exchange) -> None:
    assert len(analysis.plot(SimpleNamespace(tape=market.tape)).axes) == 2


def test_a_market_is_drawn_on_two_axes_that_are_given(market: Exchange) -> None:
    figure = Figure()
    panels = figure.subplots(1, 2)
    assert analysis.plot(market, ax=panels) is figure
    legends = [[text.get_text() for text in axes.get_legend().get_texts()] for axes in panels]
    assert legends[0] == ["optimal", "zero-profit"]
    assert legends[1][:3] == ["belief, mean ± 2 sd", "ask and bid", "value"]
    with pytest.raises(ValueError, match="ax is 1 axes, but the figure has 2 panels"):
        analysis.plot(market, ax=Figure().subplots())


def test_a_run_is_drawn_by_period_with_a_panel_for_each_shock(run: Run) -> None:
    figure = run.plot("spread")
    assert [axes.get_title() for axes in figure.axes] == ["prior sd = 1.0", "prior sd = 3.0"]
    assert {axes.get_yscale() for axes in figure.axes} == {"log"}
    assert list_labels(figure) == [
        "optimal", "optimal in optimal+fixed-spread", "fixed-spread in optimal+fixed-spread"
    ]  # fmt: skip
    summary = run.table("summary", prior_sd=3.0, makers="optimal")
    rows = summary[summary["maker"].notna() & (summary["metric"] == "spread")]
    np.testing.assert_allclose(np.asarray(figure.axes[1].lines[0].get_ydata()), rows["mean"])


def test_a_metric_of_the_market_alone_is_drawn_once_for_each_exchange(run: Run) -> None:
    figure = run.plot("no_trade")
    assert figure.axes[0].get_ylabel() == "probability of no trade"
    assert list_labels(figure) == ["optimal", "optimal+fixed-spread"]


def test_a_run_is_drawn_by_a_parameter(run: Run) -> None:
    figure = run.plot("profit", by="prior_sd")
    (axes,) = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("prior sd", "profit (price)")
    totals = run.table("totals")
    alone = totals[totals["makers"] == "optimal"].groupby("prior_sd", observed=True)["profit"]
    drawn = axes.lines[0].get_ydata()
    np.testing.assert_allclose(np.asarray(drawn, float), alone.mean().to_numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    ("draw", "says"),
    [
        (lambda run: run.plot("sprd"), "metric is 'sprd', which is unknown: did you mean 'spread'"),
        (
            lambda run: run.plot("sprd", by="prior_sd"),
            "metric is 'sprd', which is unknown: did you mean 'spread'",
        ),
        (
            lambda run: run.plot("profit", by="seed"),
            "by is 'seed', which is unknown: known: period, prior_sd",
        ),
        (
            lambda run: run.plot("profit", by="prior-ds"),
            "by is 'prior-ds', which is unknown: did you mean 'prior_sd'",
        ),
        (lambda run: run.plot("spread", ax=Figure().subplots()), "ax is 1 axes.*has 2 panels"),
    ],
    ids=["by period", "by parameter", "by nothing known", "by a misspelt one", "too few axes"],
)
def test_what_a_run_has_not_is_refused(run: Run, draw: Callable[[Run], Figure], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        draw(run)


def test_analysis_has_no_other_name_that_comes_late() -> None:
    with pytest.raises(AttributeError, match="module 'analysis' has no attribute 'polt'"):
        getattr(analysis, "polt")  # noqa: B009, mypy knows that there is none


@pytest.mark.parametrize("market", [3, "optimal", pd.DataFrame()])
def test_what_has_no_tape_is_refused(market: Any) -> None:
    with pytest.raises(TypeError, match=rf"market is a {type(market).__name__}, but must have a"):
        analysis.plot(market)


def test_plot_is_listed_before_it_is_first_used() -> None:
    code = "import analysis; assert {'plot', 'load', 'Run'} <= set(dir(analysis))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
