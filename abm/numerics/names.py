"""Names that are not known, and which known one was meant: misspelt, or another book's word."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType

from abm.numerics.describe import show_value

SYNONYMS = {
    "prior_sd": ("sigma", "sd", "shock", "shocks", "rho", "volatility"),
    "noise_sd": ("noise", "sigma_eps", "sigma_epsilon", "epsilon", "eps"),
    "replications": ("n", "r", "size", "markets", "paths"),
    "periods": ("t", "steps", "horizon", "rounds"),
    "discount": ("gamma", "beta", "delta"),
    "makers": ("maker", "dealers", "market_makers"),
    "traders": ("trader",),
    "seed": ("rng", "seeds", "random_state"),
    "rng": ("seed", "seeds", "random_state"),
    "out": ("output", "folder"),
}
LONG = 4  # letters of a synonym that may be misspelt


def normalise(name: str) -> str:
    """Return a name as it is compared: without capitals, its hyphens as underscores."""
    return name.lower().replace("-", "_")


def find_meant(name: str, known: Iterable[str]) -> str:
    """Return the known name that this one is, or means elsewhere, or else the empty string."""
    names = {normalise(word): word for word in known}
    word = normalise(name)
    meanings = [meant for meant, synonyms in SYNONYMS.items() if word in synonyms]
    return next((names[meant] for meant in [word, *meanings] if meant in names), "")


def suggest(name: str, known: Iterable[str]) -> str:
    """Return the known name that was most likely meant, or the empty string if none is near."""
    names = sorted(known)
    words = [word for synonyms in SYNONYMS.values() for word in synonyms if len(word) >= LONG]
    near = get_close_matches(name, names, n=1) or get_close_matches(name, words, n=1)
    return find_meant(name, names) or (find_meant(near[0], names) if near else "")


def require_known(
    noun: str,
    given: Mapping[str, object],
    known: Sequence[str],
    elsewhere: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Raise TypeError unless all given parameters are known; the message says which was meant.

    `elsewhere` holds those that something else takes, and what to do with each.
    """
    for name, value in given.items():
        if name in known:
            continue
        meant = suggest(name, [*known, *elsewhere])
        hint = f"did you mean {meant}? " if meant else ""
        fix = elsewhere.get(meant, f"{hint}known: {', '.join(known)}")
        raise TypeError(f"{name} is {show_value(value)}, but {noun} does not take it: {fix}")


def describe_unknown(label: str, name: object, known: Iterable[str]) -> str:
    """Return the message about a name that is not among the known ones, with the nearest one."""
    names = sorted(known)
    meant = suggest(name, names) if isinstance(name, str) else ""
    hint = f"did you mean {meant!r}? " if meant else ""
    return f"{label} is {show_value(name)}, which is unknown: {hint}known: {', '.join(names)}"
