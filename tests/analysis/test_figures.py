"""Figures: labelled axes, one colour a maker, bands of 95 %, and matplotlib left as it was."""

from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy import stats

from abm import Exchange
from analysis import figures, metrics
from analysis.style import FIXED

NAMES = ("optimal", "myopic", "zero-profit")
REPLICATIONS, PERIODS = 30, 10


class Log:
    """Tables of three makers, each alone."""

    def __init__(self) -> None:
        markets = {
            name: Exchange(name, prior_sd=3.0, replications=REPLICATIONS, rng=2).run(PERIODS)
            for name in NAMES
        }
        self.market = pd.concat(
            [one.tape.market.assign(exchange=name) for name, one in markets.items()]
        )
        self.makers = pd.concat([one.tape.makers for one in markets.values()])
        self.makers["spread"] = metrics.spread(self.makers)
        self.market["no_trade"] = metrics.no_trade(self.market)
        value = np.linspace(-3.0, 3.0, 60)
        density = np.exp(-0.5 * value**2) / np.sqrt(2 * np.pi)
        self.curves = pd.concat(
            [
                pd.DataFrame({"period": n, "value": value, "exact": density, "gaussian": density})
                for n in (1, 3)
            ]
        )
        profits = metrics.discounted_profit(self.makers, 0.9).assign(prior_sd=3.0)
        worlds = [profits.assign(process=process) for process in ("fixed", "redrawn")]
        self.realised = metrics.estimates(
            pd.concat(worlds), "discounted_profit", ["maker", "process", "prior_sd"]
        )
        self.theory = pd.DataFrame({"prior_sd": [1.0, 3.0], "value": [2.5, 1.6]})
        rho = np.linspace(0.0, 5.0, 20)
        self.policies = pd.concat(
            [
                pd.DataFrame({"maker": name, "rho": rho, "spread": 1 + slope * rho})
                for slope, name in enumerate(NAMES)
            ]
        )

    def of(self, maker: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return one replication of one maker: market, makers."""
        market = self.market[(self.market["exchange"] == maker) & (self.market["replication"] == 0)]
        makers = self.makers[(self.makers["maker"] == maker) & (self.makers["replication"] == 0)]
        return market, makers

    def by_period(self, metric: str) -> pd.DataFrame:
        """Return what a figure over time is drawn from."""
        return metrics.by_period(self.market if metric == "no_trade" else self.makers, metric)


DRAWN: dict[str, Callable[[Log], Figure]] = {
    "posteriors": lambda log: figures.posteriors(log.curves),
    "discounted_profit": lambda log: figures.discounted_profit(log.realised, log.theory),
    "spread_by_rho": lambda log: figures.spread_by_rho(log.policies, 1.5),
    "profit_by_period": lambda log: figures.profit_by_period(log.by_period("profit")),
    "spread_by_period": lambda log: figures.spread_by_period(log.by_period("spread")),
    "no_trade_by_period": lambda log: figures.no_trade_by_period(log.by_period("no_trade")),
    "one_market": lambda log: figures.one_market(*log.of("optimal")),
}
LABELS = {
    "posteriors": ("value (noise sd)", "density (1 / noise sd)"),
    "discounted_profit": ("sd of the shock, σ (noise sd)", "discounted profit (noise sd)"),
    "spread_by_rho": ("information disadvantage, ρ (belief sd / noise sd)", "spread (noise sd)"),
    "profit_by_period": ("period", "profit a period (noise sd)"),
    "spread_by_period": ("period", "spread (noise sd), log scale"),
    "no_trade_by_period": ("period", "probability of no trade"),
    "one_market": ("period", "price (noise sd)"),
}
OVER_TIME = {
    "profit_by_period": "profit",
    "spread_by_period": "spread",
    "no_trade_by_period": "no_trade",
}


@pytest.fixture(scope="module")
def log() -> Log:
    return Log()


def only_axes(figure: Figure) -> Axes:
    (axes,) = figure.axes
    return axes


def line_labelled(axes: Axes, label: str) -> Line2D:
    (line,) = (line for line in axes.lines if line.get_label() == label)
    return line


def bars(axes: Axes) -> dict[str, ErrorbarContainer]:
    return {
        str(one.get_label()): one for one in axes.containers if isinstance(one, ErrorbarContainer)
    }


def legend(figure: Figure) -> list[str]:
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes)]
    return [text.get_text() for one in legends if one for text in one.get_texts()]


@pytest.mark.parametrize("name", DRAWN)
def test_axes_are_labelled_with_their_units(log: Log, name: str) -> None:
    for panel, axes in enumerate(DRAWN[name](log).axes):
        across, up = LABELS[name]
        assert axes.get_xlabel() == across
        assert axes.get_ylabel() == ("" if panel else up)


@pytest.mark.parametrize("name", DRAWN)
def test_every_figure_has_a_legend(log: Log, name: str) -> None:
    assert len(legend(DRAWN[name](log))) >= 2


@pytest.mark.parametrize("name", DRAWN)
def test_every_figure_can_be_saved(log: Log, name: str, tmp_path: Path) -> None:
    DRAWN[name](log).savefig(tmp_path / "figure.png", dpi=40)
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", DRAWN)
def test_matplotlib_is_left_as_it_was(log: Log, name: str) -> None:
    mpl.get_backend()  # settles on one, if nothing has yet
    before = mpl.rcParams.copy()
    DRAWN[name](log)
    assert mpl.rcParams == before


@pytest.mark.parametrize("maker", NAMES)
def test_a_maker_has_the_same_colour_in_every_figure(log: Log, maker: str) -> None:
    named = ("spread_by_rho", *OVER_TIME)
    lines = [line_labelled(only_axes(DRAWN[name](log)), maker) for name in named]
    colours = {to_hex(line.get_color()) for line in lines}
    containers = bars(only_axes(DRAWN["discounted_profit"](log)))
    for world in ("real", "Gaussian"):
        colours.add(to_hex(containers[f"{maker}, {world} world"].lines[0].get_color()))
    story = line_labelled(only_axes(figures.one_market(*log.of(maker))), "ask and bid")
    colours.add(to_hex(story.get_color()))
    assert colours == {FIXED[maker].colour}


@pytest.mark.parametrize("name", OVER_TIME)
def test_lines_are_means_within_bands_of_95_percent(log: Log, name: str) -> None:
    axes = only_axes(DRAWN[name](log))
    estimates = log.by_period(OVER_TIME[name])
    key = "exchange" if "exchange" in estimates else "maker"
    bands = {to_hex(np.asarray(band.get_facecolor())[0]): band for band in axes.collections}
    assert len(bands) == len(NAMES)
    for maker in NAMES:
        hers = estimates[estimates[key] == maker]
        line = line_labelled(axes, maker)
        np.testing.assert_array_equal(line.get_xdata(), hers["period"])
        np.testing.assert_array_equal(line.get_ydata(), hers["mean"])
        paths = bands[FIXED[maker].colour].get_paths()
        corners = np.concatenate([np.empty((0, 2)), *(path.vertices for path in paths)])
        for period, low, high in zip(
            hers["period"],
            hers["low"],
            hers["high"],
            strict=True,
        ):
            if np.isnan(low):  # all markets were alike
                continue
            there = corners[corners[:, 0] == period, 1]
            assert there.min() == pytest.approx(low, abs=1e-12)
            assert there.max() == pytest.approx(high, abs=1e-12)


def test_points_have_bars_of_95_percent(log: Log) -> None:
    containers = bars(only_axes(DRAWN["discounted_profit"](log)))
    assert len(containers) == 2 * len(NAMES)
    hers = log.realised[(log.realised["maker"] == "optimal") & (log.realised["process"] == "fixed")]
    low, high = hers["low"].item(), hers["high"].item()
    half = stats.t.ppf(0.975, hers["count"].item() - 1) * hers["se"].item()
    assert (low, high) == pytest.approx((hers["mean"].item() - half, hers["mean"].item() + half))
    (segments,) = (one.get_segments() for one in containers["optimal, real world"].lines[2])
    assert segments[0][:, 1] == pytest.approx([low, high])


def test_worlds_are_told_apart_by_their_markers(log: Log) -> None:
    containers = bars(only_axes(DRAWN["discounted_profit"](log)))
    filling = {
        world: to_hex(containers[f"optimal, {world} world"].lines[0].get_markerfacecolor())
        for world in ("real", "Gaussian")
    }
    assert filling == {"real": FIXED["optimal"].colour, "Gaussian": "#ffffff"}


def test_theory_is_drawn_as_given(log: Log) -> None:
    theory = line_labelled(only_axes(DRAWN["discounted_profit"](log)), "theory, W(σ)")
    np.testing.assert_array_equal(theory.get_xydata(), log.theory.to_numpy())


def test_only_the_spread_over_time_is_on_a_log_scale(log: Log) -> None:
    scales = {name: DRAWN[name](log).axes[0].get_yscale() for name in DRAWN}
    assert scales == dict.fromkeys(DRAWN, "linear") | {"spread_by_period": "log"}


def test_the_crossing_is_marked_and_named(log: Log) -> None:
    axes = only_axes(DRAWN["spread_by_rho"](log))
    assert [text.get_text() for text in axes.texts] == ["ρ = 1.50"]
    assert any(np.allclose(line.get_xdata(), 1.5) for line in axes.lines)


def test_a_posterior_has_a_panel_for_each_number_of_signals(log: Log) -> None:
    figure = DRAWN["posteriors"](log)
    assert [axes.get_title() for axes in figure.axes] == ["after 1 signal", "after 3 signals"]
    assert legend(figure) == ["exact posterior", "Gaussian update"]
    for axes in figure.axes:
        assert [line.get_linestyle() for line in axes.lines] == ["-", "--"]


@pytest.mark.parametrize(
    ("side", "price", "label"), [(1, "ask", "trader buys"), (-1, "bid", "trader sells")]
)
def test_one_market_shows_every_trade_at_its_price(
    log: Log, side: int, price: str, label: str
) -> None:
    market, makers = log.of("optimal")
    trades = market[market["side"] == side]
    assert len(trades) > 0
    line = line_labelled(only_axes(figures.one_market(market, makers)), label)
    np.testing.assert_array_equal(line.get_xdata(), trades["period"])
    np.testing.assert_array_equal(line.get_ydata(), trades[price])


def test_one_market_shows_value_and_quotes(log: Log) -> None:
    market, makers = log.of("optimal")
    axes = only_axes(figures.one_market(market, makers))
    np.testing.assert_array_equal(line_labelled(axes, "value").get_ydata(), market["value"])
    np.testing.assert_array_equal(line_labelled(axes, "ask and bid").get_ydata(), makers["ask"])
    assert any(np.array_equal(line.get_ydata(), makers["bid"]) for line in axes.lines)


def test_a_market_with_declined_sides_can_be_drawn(log: Log, tmp_path: Path) -> None:
    market, makers = (
        table.assign(ask=table["ask"].where(table["period"] > 4, np.inf))
        for table in log.of("optimal")
    )
    figures.one_market(market, makers).savefig(tmp_path / "figure.png", dpi=40)


def test_one_replication_is_drawn_without_a_band(log: Log, tmp_path: Path) -> None:
    single = metrics.by_period(log.makers[log.makers["replication"] == 0], "spread")
    assert single["se"].isna().all()
    figures.spread_by_period(single).savefig(tmp_path / "figure.png", dpi=40)
