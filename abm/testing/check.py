"""A maker or a trader is checked: by one call that reports all rules broken, or by pytest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from abm.exchange.admission import MakerChoice
from abm.numerics.checks import require_one_of
from abm.participants.admission import TraderChoice
from abm.participants.registry import MAKER_TYPES, TRADER_TYPES
from abm.testing.bench import Bench, share_trails
from abm.testing.report import Waivers, check_waivers, name_choice, require_conformance
from abm.testing.rules import BASES, RULES
from abm.testing.trader_bench import TraderBench
from abm.testing.trader_rules import TRADER_BASES, TRADER_RULES

if TYPE_CHECKING:
    import pytest


def check_maker(maker: MakerChoice, *, waive: Waivers | None = None) -> None:
    """Try every rule on a maker, and raise with all that she breaks.

    She quotes by herself after shocks of 0.25 to 8 noise sds, for 12 periods, and for 60 beside
    two rivals, under either transparency, and for 4 to traders of two other laws: what she does
    later, nobody has seen.

    Parameters
    ----------
    maker : MarketMaker class, a partial of one, or a name
    waive : mapping of str to str, optional
        Rules not to be tried, each with the reason.

    Raises
    ------
    NonconformingError
        If she breaks a rule; with the rule, a sentence, and the first belief and quote at fault.
    ValueError
        If a waiver is of an unknown rule, or gives no reason.

    Examples
    --------
    >>> reason = "her spread is in units of price"
    >>> check_maker("fixed-spread", waive={"scales-with-the-noise": reason})  # keeps the others
    """
    waived = check_waivers(waive or {}, RULES)
    Bench().market(maker)  # if she cannot be made, that is all there is to say
    with share_trails():
        require_conformance(maker, MAKER_TYPES, RULES, BASES, waived)


def check_trader(trader: TraderChoice, *, waive: Waivers | None = None) -> None:
    """Try every rule on a type of trader, and raise with all that it breaks.

    It comes after shocks of 0.5 and 3 noise sds, for 6 periods in which the tape follows a script.
    That its law agrees with what it does is tried in 40,000 markets, at four values and quotes; a
    check is false at random with a probability below 1e-4.

    Parameters
    ----------
    trader : Trader class, a partial of one, or a name
    waive : mapping of str to str, optional
        Rules not to be tried, each with the reason.

    Raises
    ------
    NonconformingError
        If it breaks a rule; with the rule, a sentence, and what is at fault.
    ValueError
        If a waiver is of an unknown rule, or gives no reason.

    Examples
    --------
    >>> from functools import partial
    >>> from abm.traders import UninformedTrader
    >>> check_trader(partial(UninformedTrader, share=0.3, reach=3.0))  # keeps all rules
    """
    waived = check_waivers(waive or {}, TRADER_RULES)
    TraderBench().market(trader)
    require_conformance(trader, TRADER_TYPES, TRADER_RULES, TRADER_BASES, waived)


def parametrize_makers(
    *makers: MakerChoice, waive: Mapping[str, Waivers] | None = None
) -> pytest.MarkDecorator:
    """Return a decorator that runs a test for each maker and rule, with arguments of these names.

    Parameters
    ----------
    *makers : MarketMaker classes, partials of one, or names
    waive : mapping of str to waivers, optional
        By the name of a maker, what `check_maker` takes; such tests are skipped.

    Raises
    ------
    ValueError
        As `check_maker` does.

    Examples
    --------
    >>> @parametrize_makers("optimal", "myopic")
    ... def test_makers_keep_the_rules(maker, rule):
    ...     rule(maker)
    """
    import pytest

    waived = {name: check_waivers(waivers, RULES) for name, waivers in (waive or {}).items()}
    for name in waived:
        require_one_of("maker", name, {name_choice(maker, MAKER_TYPES) for maker in makers})
    cases = []
    for maker in makers:
        who = name_choice(maker, MAKER_TYPES)
        reasons = waived.get(who, {})
        for name, rule in RULES.items():
            marks = [pytest.mark.skip(reason=reasons[name])] if name in reasons else []
            cases.append(pytest.param(maker, rule, marks=marks, id=f"{who}-{name}"))
    return pytest.mark.parametrize(("maker", "rule"), cases)
