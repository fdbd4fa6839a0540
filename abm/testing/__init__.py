"""Conformance: whether a maker, or a trader, keeps the rules that others rely on.

Every rule is tried on a bench; one that is broken on purpose is waived for a written reason. Knows
the exchange and all wings below.

    check_maker(MyMaker)
    check_trader(MyTrader)

    @parametrize_makers(MyMaker, "optimal")
    def test_my_makers_keep_the_rules(maker, rule):
        rule(maker)
"""

from abm.testing.check import check_maker, check_trader, parametrize_makers
from abm.testing.report import NonconformingError
from abm.testing.rules import RULES
from abm.testing.trader_rules import TRADER_RULES
from abm.testing.trail import BrokenRuleError

__all__ = [
    "RULES", "TRADER_RULES", "BrokenRuleError", "NonconformingError", "check_maker",
    "check_trader", "parametrize_makers",
]  # fmt: skip
