"""Conformance of traders: every type keeps the rules, and for every rule there is one caught."""

import random
from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

from abm.market.laws import Law, Line
from abm.market.mixtures import Mixture
from abm.market.quotes import Quote
from abm.market.random_streams import Draws
from abm.market.uninformed import PublicValuation
from abm.market.valuations import Interval, NoisyValuation, find_interval
from abm.numerics.arrays import Array, Sides
from abm.participants.registry import TRADER_TYPES
from abm.testing import TRADER_RULES, BrokenRuleError, NonconformingError, check_trader
from abm.traders import AdaptiveTrader, NoisyTrader, Trader, UninformedTrader


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


class Mute(NoisyTrader):
    def valuation(self, value: Array, draws: Draws) -> Array:
        return np.where(value > 2.0, np.nan, super().valuation(value, draws))


class Lone(NoisyTrader):
    def valuation(self, value: Array, draws: Draws) -> Array:
        return super().valuation(value, draws)[:1]


class Scalar(NoisyTrader):
    def valuation(self, value: Array, draws: Draws) -> Array:
        return super().valuation(value, draws) if value > 0 else value


class Lawless(NoisyTrader):
    def observe(self, view: Any) -> None:  # noqa: ARG002
        self.law = None  # type: ignore[assignment]


class Odd(NoisyValuation):
    """A base of laws that value as the paper's traders do, and err in one thing."""


def give_law(law: type[Odd]) -> Any:
    """Return a type of traders who value by this law."""

    class Given(Trader):
        name = "given"

        def __init__(self, model: Any) -> None:
            super().__init__(model, law(model.terms.noise_sd))

    return Given


class Flattened(Interval):
    def likelihood(self, value: Array) -> Array:
        return super().likelihood(value)[:, 0]


class Flat(Odd):
    def likelihood(self, quote: Quote, side: Sides) -> Interval:
        return Flattened(*find_interval(quote, side), self.noise)


class FirstOnly(Interval):
    def at(self, replications: Any) -> Interval:
        return super().at(0 * replications)


class Misplaced(Odd):
    """Its likelihood differs by replication, and is not asked for the right one."""

    def likelihood(self, quote: Quote, side: Sides) -> Interval:
        lower, upper = find_interval(quote, side)
        shift = 0.01 * np.arange(lower.size)
        return FirstOnly(lower + shift, upper + shift, self.noise)


class Herding(Odd):
    """Takes all replications for the first."""

    def likelihood(self, quote: Quote, side: Sides) -> Interval:
        return super().likelihood(quote, np.full_like(side, np.ravel(side)[0]))


class Doubled(Interval):
    def likelihood(self, value: Array) -> Array:
        return 2.0 * super().likelihood(value)


class Improper(Odd):
    def likelihood(self, quote: Quote, side: Sides) -> Interval:
        return Doubled(*find_interval(quote, side), self.noise)


class Gambler(NoisyTrader):
    def valuation(self, value: Array, draws: Draws) -> Array:  # noqa: ARG002
        return value + np.random.normal(size=value.shape)  # noqa: NPY002


class Punter(NoisyTrader):
    def valuation(self, value: Array, draws: Draws) -> Array:  # noqa: ARG002
        return value + [random.gauss(0.0, 1.0) for _ in value]


class Mesan(NoisyTrader):
    def valuation(self, value: Array, draws: Draws) -> Array:  # noqa: ARG002
        return value + self.model.rng.normal(size=value.shape)


class Unseeded(NoisyTrader):
    def valuation(self, value: Array, draws: Draws) -> Array:  # noqa: ARG002
        return value + np.random.default_rng().normal(size=value.shape)


class Seeded(NoisyTrader):
    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.own = np.random.default_rng(1)

    def valuation(self, value: Array, draws: Draws) -> Array:  # noqa: ARG002
        return value + self.own.normal(size=value.shape)


class Common(NoisyTrader):
    def valuation(self, value: Array, draws: Draws) -> Array:
        return value + draws.normal()[0]


class Remembering(NoisyTrader):
    """Counts the trades of all exchanges in its class."""

    seen = 0

    def observe(self, view: Any) -> None:  # noqa: ARG002
        type(self).seen += 1
        self.law = NoisyValuation(1.0 + 0.01 * self.seen)


class Standardising(NoisyTrader):
    def valuation(self, value: Array, draws: Draws) -> Array:
        noise = draws.normal()
        return value + noise / (noise.std() if noise.size > 1 else 1.0)


class Crowd(NoisyTrader):
    """Has more noise where more of the other replications trade."""

    def observe(self, view: Any) -> None:
        self.law = NoisyValuation(1.0 + np.abs(view.side).mean())


class Insider(NoisyTrader):
    def observe(self, view: Any) -> None:  # noqa: ARG002
        self.law = NoisyValuation(1.0 + np.tanh(self.model.value[0]) ** 2)


class Spy(NoisyTrader):
    def valuation(self, value: Array, draws: Draws) -> Array:
        return super().valuation(value, draws) + 0.1 * self.model.makers[0].belief.mean


class Eavesdropper(NoisyTrader):
    """Goes by what the last trader would have paid."""

    def observe(self, view: Any) -> None:  # noqa: ARG002
        if self.period > 0:
            self.law = NoisyValuation(1.0 + np.abs(self.model.clearing.valuation[0]))


class Clairvoyant(NoisyTrader):
    def valuation(self, value: Array, draws: Draws) -> Array:
        return super().valuation(0.5 * value + 0.5 * self.model.value, draws)


class Bolder(NoisyTrader):
    """Values with more noise than the law says."""

    def valuation(self, value: Array, draws: Draws) -> Array:
        return value + 1.05 * (super().valuation(value, draws) - value)


class Optimist(Odd):
    """A law that overrides how traders value, and not what that shows."""

    def valuation(self, value: Array, draws: Draws) -> Array:
        return super().valuation(value, draws) + 0.05


class Coarse(Odd):
    resolution = 30.0


class TooFine(Odd):
    resolution = 1e-4


class Unresolved(Odd):
    resolution = 0.0


class Endless(Odd):
    resolution = np.inf


class Tilted(Interval):
    def tilt(self, mean: Array, sd: Array) -> tuple[Array, Array, Array]:
        log_mass, moved, left = super().tilt(mean, sd)
        return log_mass, moved, 1.001 * left


class Leaning(Odd):
    def likelihood(self, quote: Quote, side: Sides) -> Interval:
        return Tilted(*find_interval(quote, side), self.noise)


class Mistaken(Odd):
    """States the line of another noise."""

    def find_line(self, mean: Array) -> Line:
        return Line(mean, 1.0, 1.1 * self.noise_sd)


class Generous(Odd):
    def trade(self, *given: Any) -> tuple[Array, Array]:
        bought, moved = super().trade(*given)
        return bought, 1.01 * moved


BREAKERS: list[tuple[str, Any, str]] = [
    ("gives-arrays-of-numbers", Mute, "of them NaN"),
    ("gives-arrays-of-numbers", Lone, "return an array of shape (10,)"),
    ("gives-arrays-of-numbers", Scalar, "np.where"),
    ("gives-arrays-of-numbers", Lawless, "must have a Law"),
    ("gives-arrays-of-numbers", give_law(Flat), "must have (1, 4)"),
    ("gives-arrays-of-numbers", give_law(Misplaced), "at([9]) must be"),
    ("gives-arrays-of-numbers", give_law(Herding), "must be each one's"),
    ("shows-probabilities", give_law(Improper), "sum to 1"),
    ("same-seed-same-traders", Unseeded, "draw by `draws`"),
    ("same-seed-same-traders", Remembering, "keep state in self"),
    ("leaves-shared-randomness-alone", Gambler, "numpy.random moved in period 0"),
    ("leaves-shared-randomness-alone", Punter, "random moved in period 0"),
    ("leaves-shared-randomness-alone", Mesan, "Mesa's self.rng moved in period 0"),
    ("draws-for-each-replication", Seeded, "two seeds give the same valuations"),
    ("draws-for-each-replication", Common, "once for all replications"),
    ("replications-are-apart", Standardising, "in a run of 10 and in one of 1000"),
    ("replications-are-apart", Crowd, "use no other replication's"),
    ("cannot-see-what-is-hidden", Insider, "behind the same tape"),
    ("cannot-see-what-is-hidden", Spy, "where a valuation is"),
    ("cannot-see-what-is-hidden", Eavesdropper, "behind the same tape"),
    ("cannot-see-what-is-hidden", Clairvoyant, "the value that valuation is given"),
    ("agrees-with-the-sides-taken", Bolder, "but by the law in"),
    ("agrees-with-the-sides-taken", give_law(Optimist), "who overrides one, overrides both"),
    ("has-the-resolution-it-says", give_law(Coarse), "give at most 2.5"),
    ("has-the-resolution-it-says", give_law(Endless), "resolution is inf"),
    ("has-the-resolution-it-says", give_law(TooFine), "many points in vain: give about 1"),
    ("has-the-resolution-it-says", give_law(Unresolved), "above 0"),
    ("has-the-moments-of-its-likelihood", give_law(Leaning), "tilt of Leaning gives sd"),
    ("has-the-moments-of-its-likelihood", give_law(Mistaken), "find_line of Mistaken gives P"),
    ("has-the-moments-of-its-likelihood", give_law(Generous), "trade of Generous gives E[side"),
]


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

    with pytest.raises(NonconformingError, match="tilt of Stepwise gives"):
        check_trader(Steps)
