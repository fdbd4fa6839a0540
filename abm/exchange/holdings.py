"""What a maker holds: her belief, inventory and cash are checked when she has set one anew.

Beliefs are frozen, so the same object need not be looked into again; inventory and cash are also
looked into after every trade, for a maker may write into her arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from abm.beliefs.gaussian import GaussianBelief
from abm.numerics.conversion import NUMBER_KINDS
from abm.numerics.describe import show_value
from abm.numerics.kernels import find_span
from abm.participants.maker import HELD, MarketMaker

Held = tuple[Any, Any, Any]
"""Belief, inventory and cash."""

LARGEST = 1e150  # past 1e154 / sqrt(R) the sum of squares is infinite


def require_holdings(maker: MarketMaker, doing: str, period: int) -> None:
    """Raise MakerError unless her belief is one or None, and inventory and cash are R numbers.

    `doing` is what she did last, for the message: "she quoted". What is the same object as when
    it was last found in order (`MarketMaker.checked`) is not looked into.

    Examples
    --------
    >>> from abm import Exchange
    >>> (maker,) = Exchange("fixed-spread", replications=2).makers
    >>> maker.cash = 2.0
    >>> require_holdings(maker, "she quoted", period=0)
    Traceback (most recent call last):
    abm.participants.maker.MakerError: maker 'fixed-spread' has, once she quoted in period 0, cash \
2.0, but must have an array of 2 numbers, each finite and below 1e150: set it as np.zeros(2)
    """
    held, known = maker.__dict__, maker.checked
    belief, inventory, cash = held.get("belief"), held.get("inventory"), held.get("cash")
    if belief is known[0] and inventory is known[1] and cash is known[2]:
        return
    now = belief, inventory, cash
    if fault := _find_fault(now, known, maker.terms.replications):
        raise _refuse(maker, fault, doing, period)
    maker.checked = now


def _find_fault(now: Held, known: Held, size: int) -> str:
    """Return the name of what is not in order, or the empty string."""
    if now[0] is not known[0] and not _is_belief(now[0], size):
        return "belief"
    for name, array, before in zip(HELD, now[1:], known[1:], strict=True):
        if array is not before and not _is_sound(array, size):
            return name
    return ""


def _is_sound(array: Any, size: int, above: float = -LARGEST) -> bool:
    """Return whether it is an array of so many finite numbers, between `above` and LARGEST."""
    if type(array) is not np.ndarray or array.shape != (size,):
        return False
    if array.dtype.char != "d":
        if array.dtype.kind not in NUMBER_KINDS:
            return False
        with np.errstate(all="ignore"):
            array = array.astype(np.float64)
    least, largest = find_span(array)
    return least > above and largest < LARGEST  # NaN fails


def _is_belief(belief: Any, size: int) -> bool:
    """Return whether it is none, or one with R finite means and R sds above zero."""
    if belief is None:
        return True
    if type(belief) is not GaussianBelief:
        if not hasattr(belief, "is_gaussian"):  # every belief says whether it is
            return False
        try:
            with np.errstate(all="ignore"):
                _ = belief.mean, belief.sd  # which some find only now
        except Exception:  # whatever a class of hers raises
            return False
    return _is_sound(belief.mean, size) and _is_sound(belief.sd, size, above=0.0)


def _refuse(maker: MarketMaker, name: str, doing: str, period: int) -> Exception:
    """Return the error about what she holds."""
    value, size = vars(maker).get(name, "nothing at all"), maker.terms.replications
    rule, fix = f"an array of {size} numbers, each finite and below 1e150", f"np.zeros({size})"
    if name == "belief":
        rule = f"a belief or None, its mean and sd arrays of {size} finite numbers, the sd above 0"
        fix = f"GaussianBelief(mean, sd).broadcast({size})"
    of = f" of mean {show_value(value.mean)}" if isinstance(value, GaussianBelief) else ""
    return maker.failure(
        f"maker {maker.label!r} has, once {doing} in period {period}, {name} {show_value(value)}"
        f"{of}, but must have {rule}: set it as {fix}"
    )
