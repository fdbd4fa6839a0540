"""Rules of makers, each tried on one who breaks it in a single thing."""

import pytest

from abm import Myopic
from abm.numerics.arrays import Array
from abm.testing.rules import books_what_she_trades
from abm.testing.trail import BrokenRuleError


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
