"""What both checks share: rules are tried in order, and all that is broken is reported at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from abm.numerics.checks import require_one_of
from abm.participants.registry import Registry, find_kind
from abm.testing.trail import BrokenRuleError

Waivers = Mapping[str, str]
"""A written reason for each rule that is broken on purpose."""
Rules = Mapping[str, Callable[[Any], None]]
Bases = Mapping[str, Sequence[str]]
"""The rules that each rests on."""

Rule = TypeVar("Rule", bound=Callable[[Any], None])

MANY = 6  # rules that are counted in a report rather than named


class NonconformingError(AssertionError):
    """A maker or trader breaks rules; the message names each, and what broke it."""


def name_rules(*rules: Rule) -> dict[str, Rule]:
    """Return rules by their names, which are those of their functions."""
    return {rule.__name__.replace("_", "-"): rule for rule in rules}


def require_conformance(
    choice: Any, registry: Registry[Any], rules: Rules, bases: Bases, waived: Waivers
) -> None:
    """Try the rules that are not waived, and raise NonconformingError with all that are broken."""
    tried = {name: rule for name, rule in rules.items() if name not in waived}
    if lines := list_faults(choice, tried, bases):
        raise NonconformingError(
            f"{registry.noun} {name_choice(choice, registry)!r} breaks rules, of {len(tried)} that "
            f"were tried:\n" + "\n".join(f"  - {line}" for line in lines)
        )


def list_faults(choice: Any, rules: Rules, bases: Bases) -> list[str]:
    """Return a line for each rule that is broken, and for those that cannot be tried."""
    lines, broken, untried = [], set(), {}
    for name, rule in rules.items():
        if basis := next((basis for basis in bases[name] if basis in broken), None):
            untried[name] = f"not before {basis} is kept"
            continue
        try:
            rule(choice)
        except BrokenRuleError as error:
            broken.add(name)
            lines.append(f"{name}: {rule.__doc__}\n      {error}")
        except Exception as error:
            untried[name] = f"{type(error).__name__}: {error}"
    for reason in dict.fromkeys(untried.values()):
        names = [name for name in untried if untried[name] == reason]
        who = ", ".join(names) if len(names) < MANY else f"{len(names)} other rules"
        lines.append(f"{who} could not be tried:\n      {reason}")
    return lines


def check_waivers(waivers: Waivers, rules: Rules) -> Waivers:
    """Return the waivers, or raise ValueError unless each is of a rule and has a reason."""
    for name, reason in waivers.items():
        require_one_of("rule", name, rules)
        if not (isinstance(reason, str) and reason.strip()):
            raise ValueError(
                f"waiver of {name!r} has the reason {reason!r}, but needs a written one: "
                f"say why it may be broken"
            )
    return waivers


def name_choice(choice: Any, registry: Registry[Any]) -> str:
    """Return the name of the class of a choice."""
    kind = find_kind(registry.look_up(choice))
    return str(getattr(kind, "name", kind))
