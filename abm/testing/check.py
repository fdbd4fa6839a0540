"""A maker is checked: by one call that reports all rules broken, or by pytest, rule by rule."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from abm.exchange.admission import MakerChoice
from abm.numerics.checks import require_one_of
from abm.participants.registry import MAKER_TYPES
from abm.testing.bench import Bench, share_first_trails
from abm.testing.rules import BASES, RULES
from abm.testing.trail import BrokenRuleError

if TYPE_CHECKING:
    import pytest

Waivers = Mapping[str, str]
"""A written reason for each rule that a maker breaks on purpose."""


MANY = 6  # rules that are counted in a report rather than named


class NonconformingError(AssertionError):
    """A maker breaks rules; the message names each, and what broke it."""


def check_maker(maker: MakerChoice, *, waive: Waivers | None = None) -> None:
    """Try every rule on a maker, and raise with all that she breaks.

    She quotes by herself after shocks of 0.25 to 8 noise sds, for 12 periods, and for 60 beside
    two rivals, under either transparency: what she does later, nobody has seen.

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
    waived = check_waivers(waive or {})
    tried = {name: rule for name, rule in RULES.items() if name not in waived}
    Bench().market(maker)  # if she cannot be made, that is all there is to say
    lines, broken, untried = [], set(), {}
    with share_first_trails():
        for name, rule in tried.items():
            if basis := next((rule for rule in BASES[name] if rule in broken), None):
                untried[name] = f"not before she keeps {basis}"
                continue
            try:
                rule(maker)
            except BrokenRuleError as error:
                broken.add(name)
                lines.append(f"{name}: {rule.__doc__}\n      {error}")
            except Exception as error:
                untried[name] = f"{type(error).__name__}: {error}"
    for reason in dict.fromkeys(untried.values()):
        names = [name for name in untried if untried[name] == reason]
        who = ", ".join(names) if len(names) < MANY else f"{len(names)} other rules"
        lines.append(f"{who} could not be tried:\n      {reason}")
    if lines:
        raise NonconformingError(
            f"maker {name_of(maker)!r} breaks rules, of {len(tried)} that were tried:\n"
            + "\n".join(f"  - {line}" for line in lines)
        )


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

    waived = {name: check_waivers(waivers) for name, waivers in (waive or {}).items()}
    for name in waived:
        require_one_of("maker", name, {name_of(maker) for maker in makers})
    cases = []
    for maker in makers:
        reasons = waived.get(name_of(maker), {})
        for name, rule in RULES.items():
            marks = [pytest.mark.skip(reason=reasons[name])] if name in reasons else []
            cases.append(pytest.param(maker, rule, marks=marks, id=f"{name_of(maker)}-{name}"))
    return pytest.mark.parametrize(("maker", "rule"), cases)


def check_waivers(waivers: Waivers) -> Waivers:
    """Return the waivers, or raise ValueError unless each is of a rule and has a reason."""
    for name, reason in waivers.items():
        require_one_of("rule", name, RULES)
        if not (isinstance(reason, str) and reason.strip()):
            raise ValueError(
                f"waiver of {name!r} has the reason {reason!r}, but needs a written one: "
                f"say why she may break it"
            )
    return waivers


def name_of(maker: MakerChoice) -> str:
    """Return the name of a maker's class."""
    chosen = MAKER_TYPES.find(maker) if isinstance(maker, str) else maker
    kind = chosen.func if isinstance(chosen, partial) else chosen
    return str(getattr(kind, "name", kind))
