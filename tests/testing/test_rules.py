"""Rules of makers, each tried on one who breaks it in a single thing."""

from typing import Any

import numpy as np
import pytest

from abm import Myopic, Optimal, Quote, ZeroProfit
from abm.makers import MarketMaker
from abm.market.adapted import AdaptedValuation
from abm.market.mixtures import Mixture
from abm.numerics.arrays import Array
from abm.one_period.depths import standardised_quote, zero_profit_depth
from abm.testing import check_maker
from abm.testing.rules import books_what_she_trades, moves_with_the_mean
from abm.testing.trail import BrokenRuleError
from abm.testing.traits import earns_nothing_if_so_declared, honours_the_law


class Overpaid(Myopic):
    """Books a thousandth more than the price of each share."""

    def settle(self, quantity: Array, price: Array) -> None:
        super().settle(quantity, 1.001 * price)


class Forgetful(Myopic):
    """Books what trades brought, and not what they moved."""

    def settle(self, quantity: Array, price: Array) -> None:
        super().settle(quantity, price)
        self.inventory = 0.0 * self.inventory


@pytest.mark.parametrize("maker", [Overpaid, Forgetful])
def test_cash_and_inventory_are_both_checked(maker: type[Myopic]) -> None:
    books_what_she_trades(Myopic)
    with pytest.raises(BrokenRuleError, match="but holds"):
        books_what_she_trades(maker)


class PapersOnly(MarketMaker):
    """Quotes the paper's zero-profit depth, whoever comes."""

    zero_profit = True

    def quote(self) -> Quote:
        return standardised_quote(self.require_belief(), zero_profit_depth(self.rho), self.noise_sd)


class PapersOnlyOfMixtures(ZeroProfit):
    """Takes a mixture for the paper's traders, and no other law."""

    name = "papers-only-of-mixtures"

    def quote(self) -> Quote:
        if isinstance(self.law, Mixture):
            return standardised_quote(
                self.require_belief(), zero_profit_depth(self.rho), self.noise_sd
            )
        return super().quote()


@pytest.mark.parametrize(
    ("maker", "who"),
    [(PapersOnly, "30% of the traders know nothing"), (PapersOnlyOfMixtures, "30% of the traders")],
)
def test_who_answers_for_another_law_is_caught(maker: Any, who: str) -> None:
    with pytest.raises(BrokenRuleError, match=f"where {who}.* she earned"):
        earns_nothing_if_so_declared(maker)


class InDollarsForLearners(ZeroProfit):
    """Quotes a little wider where traders learn, in units of price and around zero."""

    name = "in-dollars-for-learners"

    def quote(self) -> Quote:
        quote = super().quote()
        learning = isinstance(self.law, AdaptedValuation)
        return Quote(-9.0, 9.0) if learning else quote


def test_a_rule_that_is_broken_under_another_law_is_told_with_the_law() -> None:
    with pytest.raises(BrokenRuleError, match=r"^where traders learn from the tape, prices 7"):
        moves_with_the_mean(InDollarsForLearners)


class Refusing(Optimal):
    """Answers for the paper's traders alone, and says so when she is made."""

    name = "refusing"

    def __init__(self, model: Any) -> None:
        law = type(model.law).__name__
        if law != "NoisyValuation":
            raise ValueError(f"traders value by a {law}, but must by NoisyValuation: give those")
        super().__init__(model)


class Curt(Refusing):
    """Refuses without a reason."""

    name = "curt"

    def __init__(self, model: Any) -> None:
        try:
            super().__init__(model)
        except ValueError:
            raise ValueError("these are not for her") from None


class Crashing(ZeroProfit):
    """Knows her noise by the paper's law."""

    name = "crashing"

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.noise = model.law.noise


class Late(ZeroProfit):
    """Finds out when she quotes that a law is none of hers."""

    name = "late"

    def quote(self) -> Quote:
        return Quote.around(self.require_belief().mean, self.law.noise.sd * np.ones(1))  # type: ignore[attr-defined]


def test_a_law_may_be_refused_by_name() -> None:
    honours_the_law(Refusing)
    check_maker(Refusing)


@pytest.mark.parametrize(
    ("maker", "says"),
    [
        (Curt, "she refuses, but not by name.* Mixture, not only: these are not for her"),
        (Crashing, "she cannot be made: .*ValueError that names the law, Mixture"),
        (Late, "she does not quote: .*refuse a Mixture in __init__"),
    ],
)
def test_a_law_is_not_refused_by_a_crash(maker: Any, says: str) -> None:
    with pytest.raises(BrokenRuleError, match=f"^where 30% of the traders .*{says}"):
        honours_the_law(maker)
