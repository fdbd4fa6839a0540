"""What an exchange records, and what it costs: in full, as summaries, or nothing."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from abm import Exchange
from abm.exchange.tape import MOST_PERIODS, Tape
from abm.numerics.moments import Moments

FACED: dict[str, Any] = {"prior_sd": 3.0, "replications": 20, "rng": 5}


def test_the_record_does_not_change_what_happens() -> None:
    full, summary, none = (
        Exchange(["optimal", "q-learning"], record=record, **FACED).run(30)
        for record in ("full", "summary", "none")
    )
    for market in (summary, none):
        np.testing.assert_array_equal(market.clearing.profit, full.clearing.profit)
        for one, other in zip(market.makers, full.makers, strict=True):
            np.testing.assert_array_equal(one.cash, other.cash)
            np.testing.assert_array_equal(one.moments, other.moments)


def test_the_collector_gives_the_same_means_whatever_is_recorded() -> None:
    full, summary = (
        Exchange("optimal", record=record, **FACED).run(12) for record in ("full", "summary")
    )
    frames = [market.datacollector.get_model_vars_dataframe() for market in (full, summary)]
    pd.testing.assert_frame_equal(frames[0], frames[1], check_exact=True)
    spread = summary.tape.summary.query("maker.isna() and metric == 'spread'")["mean"]
    assert frames[0]["spread"].tolist() == spread.tolist()


def test_the_collector_is_filled_when_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Any] = []
    moments = Moments.of

    def count(sample: Any) -> Moments:
        taken.append(sample)
        return moments(sample)

    monkeypatch.setattr(Moments, "of", count)
    market = Exchange("optimal", **FACED)
    collector = market.datacollector
    market.run(5)
    assert not taken
    assert collector.get_model_vars_dataframe()["arrived"].tolist() == [1, 2, 3, 4, 5]
    market.run(2)
    assert len(collector.model_vars["spread"]) == 7
    assert len(taken) == 4 * 7  # each period once


@pytest.mark.parametrize("read", [
    lambda market: market.tape.market,
    lambda market: market.tape.makers,
    lambda market: market.tape.summary,
    lambda market: market.tape.discounted_profit(0.9),
    lambda market: market.datacollector.get_model_vars_dataframe(),
])  # fmt: skip
def test_without_a_record_there_is_nothing_to_read(read: Any) -> None:
    market = Exchange("optimal", record="none", **FACED).run(3)
    with pytest.raises(ValueError, match=r'keeps nothing: give record="summary" or "full"'):
        read(market)
    assert "nothing recorded" in repr(market.tape)
    assert "3 periods" in market.tape._repr_html_()
    assert market._repr_html_()


def test_without_a_record_memory_does_not_grow() -> None:
    market = Exchange("fixed-spread", record="none", **FACED).run(2)
    held = {name: len(part) for name, part in vars(market.tape).items() if isinstance(part, list)}
    market.run(50)
    now = {name: len(part) for name, part in vars(market.tape).items() if isinstance(part, list)}
    assert now == held


@pytest.mark.parametrize("record", ["full", "summary"])
def test_a_tape_numbers_so_many_periods_and_says_how_to_go_on(record: str) -> None:
    market = Exchange("fixed-spread", record=record).run(1)
    with pytest.raises(ValueError, match="periods is 32767, after 1 that have passed") as caught:
        market.run(MOST_PERIODS)
    assert 'record="none"' in str(caught.value)
    assert market.period == 1
    market.tape.periods = MOST_PERIODS  # as if they had passed
    with pytest.raises(ValueError, match=f"most {MOST_PERIODS}"):
        market.step()


def test_without_a_record_a_learner_goes_on() -> None:
    market = Exchange("fixed-spread", record="none")
    market.period = market.tape.periods = MOST_PERIODS - 1  # as if they had passed
    market.run(3)
    assert market.period == MOST_PERIODS + 2
    last = market.clearing.value, market.clearing.valuation
    again = Exchange("fixed-spread", record="none")
    again.period = again.tape.periods = MOST_PERIODS + 1
    again.step()
    np.testing.assert_array_equal((again.clearing.value, again.clearing.valuation), last)


def test_an_average_is_over_the_replications_that_have_the_metric() -> None:
    tape = Exchange("optimal", **FACED).run(3).tape
    assert isinstance(tape, Tape)
    frame = tape.market.assign(spread=lambda rows: rows["ask"] - rows["bid"])
    means = frame.groupby("period")["spread"].mean()
    np.testing.assert_allclose(tape.average("spread"), means, rtol=1e-14)
    assert tape.average("spread", since=2) == tape.average("spread")[2:]
