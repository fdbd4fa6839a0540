"""Options that a scenario lacks: which one was meant, or that the sweep has it."""

import shlex

from abm.numerics.names import find_meant, suggest

GENERAL = "sweep"  # the scenario that takes any makers, traders and terms


def find_unknown(words: list[str], takes_value: dict[str, bool]) -> dict[str, str]:
    """Return the options of a command line that are unknown, each with the value after it.

    Parameters
    ----------
    words : list of str
        What follows the name of the command.
    takes_value : dict
        The known options, as "--seed", and whether a value follows.
    """
    unknown, rest = {}, list(words)
    while rest and rest[0] != "--":
        option, equals, value = rest.pop(0).partition("=")
        if not option.startswith("-") or option[1:2].isdigit() or option == "-":
            continue
        known = option in takes_value
        follows = takes_value[option] if known else bool(rest) and not rest[0].startswith("--")
        if follows and not equals and rest:
            value = rest.pop(0)
        if not known:
            unknown[option] = value
    return unknown


def explain_unknown(
    scenario: str, unknown: dict[str, str], own: dict[str, str], general: dict[str, str]
) -> str:
    """Return the message about options that a scenario lacks, and what to give instead.

    Parameters
    ----------
    scenario : str
        The name of the scenario.
    unknown : dict
        The options that it lacks, with their values, which are empty where none was given.
    own, general : dict
        Names of its options and of the sweep's, without hyphens in front, each with a value to give
        where none was; empty if it takes none.
    """
    meant = {option: _find_option(option.lstrip("-"), set(own), set(general)) for option in unknown}
    lacks = f"{scenario} does not take {' and '.join(unknown)}"
    if not all(meant.values()):
        return f"{lacks}: known: {', '.join(f'--{name}' for name in sorted(own))}"
    values = general | own
    words = (
        (f"--{meant[option]}", value or values[meant[option]]) for option, value in unknown.items()
    )
    given = shlex.join(word for pair in words for word in pair if word)
    if set(meant.values()) <= set(own):
        return f"{lacks}: did you mean {given}?"
    return f"{lacks}: {GENERAL} does, as in market-shock run {GENERAL} {given}"


def _find_option(name: str, own: set[str], general: set[str]) -> str:
    """Return the option that was meant: one's own or the sweep's, by meaning or by spelling."""
    own_words = {word.replace("-", "_"): word for word in own}
    general_words = {word.replace("-", "_"): word for word in general}
    meant = (
        find_meant(name, own_words)
        or find_meant(name, general_words)
        or suggest(name.replace("-", "_"), own_words | general_words)
    )
    return (general_words | own_words).get(meant, "")
