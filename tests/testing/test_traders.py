"""Conformance of traders: every type keeps the rules, and for every rule there is one caught."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

from abm.market.laws import Law
from abm.market.mixtures import Mixture
from abm.market.quotes import Quote
from abm.market.random_streams import Draws
from abm.market.uninformed import PublicValuation
from abm.market.valuations import Interval, NoisyValuation, find_interval
from abm.numerics.arrays import Array, Sides
from abm.participants.registry import TRADER_TYPES
from abm.testing import TRADER_RULES, BrokenRuleError, NonconformingError, check_trader
from abm.traders import AdaptiveTrader, NoisyTrader, Trader, UninformedTrader
from tests.testing.faulty_traders import BREAKERS, Bolder


class Mixed(Trader):
    """Knows the value with a noise, or nothing: one type with a law of two."""

    def __init__(self, model: Any) -> None:
        unknowing = PublicValuation(model.terms.prior.mean, 3.0)
        super().__init__(model, Mixture([NoisyValuation(1.0), unknowing], [0.6, 0.4]))


class Calming(Trader):
    """Values with noise that fades, as all can tell."""

    def __init__(self, model: Any) -> None:
        super().__init__(model, NoisyValuation(model.terms.noise_sd))

    def observe(self, view: Any) -> None:  # noqa: ARG002, it goes by the period
        self.law = NoisyValuation(self.terms.noise_sd / (self.period + 2) ** 0.5)


NOISES = {
    "laplace": stats.laplace(scale=0.7), "logistic": stats.logistic(scale=0.5),
    "t": stats.t(4), "uniform": stats.uniform(-1, 2),
}  # fmt: skip
CONFORMING = {
    "noisy": "noisy",
    "noisy-0.1": partial(NoisyTrader, noise_sd=0.1),
    "noisy-4": partial(NoisyTrader, noise_sd=4.0),
    **{name: partial(NoisyTrader, noise=noise) for name, noise in NOISES.items()},
    "half": partial(UninformedTrader, share=0.3),
    "elastic": partial(UninformedTrader, share=0.3, reach=3.0),
    "elastic-alone": partial(UninformedTrader, share=1.0, reach=0.5),
    "adaptive": "adaptive",
    **{
        f"adaptive-{weight}-{need_sd}": partial(AdaptiveTrader, weight=weight, need_sd=need_sd)
        for weight, need_sd in [(0.0, 1.0), (0.5, 0.0), (0.3, 3.0), (1.0, 0.5)]
    },
    "mixed": Mixed,
    "calming": Calming,
}


@pytest.mark.parametrize("trader", CONFORMING.values(), ids=CONFORMING)
def test_one_that_keeps_all_rules_passes(trader: Any) -> None:
    check_trader(trader)


def test_every_registered_type_is_tried() -> None:
    assert set(TRADER_TYPES.load_own()) == {"noisy", "uninformed", "adaptive"}


@pytest.mark.parametrize(("rule", "trader", "says"), BREAKERS)
def test_a_trader_that_breaks_a_rule_is_caught_by_it(rule: str, trader: Any, says: str) -> None:
    with pytest.raises(BrokenRuleError) as caught:
        TRADER_RULES[rule](trader)
    assert says in str(caught.value)


def test_every_rule_has_a_trader_that_breaks_it() -> None:
    assert {rule for rule, _, _ in BREAKERS} == set(TRADER_RULES)


def test_the_report_names_rule_and_trader() -> None:
    with pytest.raises(NonconformingError) as caught:
        check_trader(Bolder)
    said = str(caught.value)
    assert said.startswith("trader 'bolder' breaks rules, of 10 that were tried:")
    rule = "agrees-with-the-sides-taken"
    assert f"- {rule}: {TRADER_RULES[rule].__doc__}" in said


def test_a_rule_is_waived_for_a_reason() -> None:
    check_trader(Bolder, waive={"agrees-with-the-sides-taken": "its law is wrong on purpose"})
    with pytest.raises(ValueError, match="needs a written one"):
        check_trader(Bolder, waive={"agrees-with-the-sides-taken": " "})


class Stepwise(Law):
    """A law of one's own from nothing: logistic noise, with no closed form."""

    noise_sd = np.pi / np.sqrt(3)

    def valuation(self, value: Array, draws: Draws) -> Array:
        return value + special.logit(np.maximum(draws.uniform(), 1e-16))

    def likelihood(self, quote: Quote, side: Sides) -> Interval:
        return Interval(*find_interval(quote, side), stats.logistic())


def test_a_law_whose_tilt_takes_its_noise_for_gaussian_without_a_word_is_caught() -> None:
    class Steps(Trader):
        name = "steps"

        def __init__(self, model: Any) -> None:
            super().__init__(model, Stepwise())

    with pytest.raises(NonconformingError, match="weigh of Stepwise gives P"):
        check_trader(Steps)
