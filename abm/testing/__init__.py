"""Conformance: whether a maker keeps the rules that the exchange and its users rely on.

Every rule is tried on a bench of scripted traders; one that a maker breaks on purpose is waived
for a written reason. Knows the exchange and all wings below.

    check_maker(MyMaker)

    @parametrize_makers(MyMaker, "optimal")
    def test_my_makers_keep_the_rules(maker, rule):
        rule(maker)
"""

from abm.testing.check import NonconformingError, check_maker, parametrize_makers
from abm.testing.rules import RULES
from abm.testing.trail import BrokenRuleError

__all__ = ["RULES", "BrokenRuleError", "NonconformingError", "check_maker", "parametrize_makers"]
