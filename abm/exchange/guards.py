"""Guards around participants: their errors name them, and what they answer is checked."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from traceback import extract_tb
from typing import Any, TypeVar

import numpy as np

from abm.beliefs.base import Belief
from abm.exchange.holdings import require_holdings
from abm.market.laws import Law
from abm.market.quotes import Quote
from abm.market.random_streams import Draws
from abm.numerics.arrays import Array, copy_broadcast
from abm.numerics.checks import LARGEST_PRICE
from abm.numerics.conversion import floats
from abm.numerics.describe import show_value
from abm.numerics.kernels import are_ordered, find_span
from abm.participants.agent import Participant
from abm.participants.maker import NO_BELIEF, MarketMaker
from abm.participants.trader import Trader

Answer = TypeVar("Answer")

OF_SCALARS = ("truth value", "scalar", "size-1", "0-dimensional", "length-1")  # in NumPy's errors
SCALAR = (
    "{} are arrays over the replications: use np.where where you would write if, and np.exp for "
    "math.exp{}"
)
OF_MAKER = "her prices, belief and inventory", ", or derive her class from ScalarMaker"
OF_TRADER = "the value, the draws and what is shown of trades", ""


def let(
    participant: Participant, doing: str, period: int, act: Callable[..., Answer], *given: Any
) -> Answer:
    """Let a participant act, and return what it answers.

    Any error becomes one that names it, what it was doing, and the period.
    """
    try:
        return act(*given)
    except Exception as error:
        raise participant.failure(
            f"{participant.role} {participant.label!r} raised an error when {doing} in period "
            f"{period} ({_locate_fault(participant, error)}): {type(error).__name__}: {error}"
            f"{_suggest_fix(participant, error)}"
        ) from error


def let_maker(
    maker: MarketMaker, doing: str, period: int, act: Callable[..., Answer], *given: Any
) -> Answer:
    """Do as `let`, and check what she has made of her belief, inventory and cash."""
    answer = let(maker, doing, period, act, *given)
    require_holdings(maker, doing, period)
    return answer


def book(maker: MarketMaker, quantity: Array, price: Array, period: int) -> None:
    """Let a maker book a trade, or raise MakerError if what she then holds is not in order."""
    maker.checked = maker.checked[0], ..., ...  # she may write into her arrays
    let_maker(maker, "she booked a trade", period, maker.settle, quantity, price)


def _locate_fault(participant: Participant, error: Exception) -> str:
    """Return the line at fault, the last in the participant's own file if there is one."""
    file = getattr(sys.modules.get(type(participant).__module__), "__file__", None)
    frames = extract_tb(error.__traceback__)
    fault = next((frame for frame in reversed(frames) if frame.filename == file), frames[-1])
    return f"{Path(fault.filename).name}, line {fault.lineno}"


def _suggest_fix(participant: Participant, error: Exception) -> str:
    """Return what to do if arrays, or a belief that is None, were at fault; else nothing."""
    if any(word in str(error) for word in OF_SCALARS):
        own = OF_MAKER if isinstance(participant, MarketMaker) else OF_TRADER
        return f"; {SCALAR.format(*own)}"
    of_none = isinstance(error, AttributeError) and error.obj is None and error.name in vars(Belief)
    if of_none and getattr(participant, "belief", "") is None:
        return f"; she {NO_BELIEF}"
    return ""


def ask_for_quote(maker: MarketMaker, period: int) -> Quote:
    """Return a maker's quote for this period, of shape (R,), or raise if it is not one.

    Raises
    ------
    MakerError
        If she raises an error.
    TypeError
        If it is not a `Quote`.
    ValueError
        If its shape does not broadcast to (R,), or a price is NaN, on the wrong side, or finite
        and further than 1e140 from zero.

    Examples
    --------
    >>> from abm import Exchange
    >>> (maker,) = Exchange("fixed-spread", replications=2).makers
    >>> ask_for_quote(maker, period=0).ask
    array([1., 1.])
    """
    quote: Any = let_maker(maker, "she quoted", period, maker.quote)
    says = f"maker {maker.label!r} quoted in period {period}"
    if not isinstance(quote, Quote):
        raise TypeError(
            f"{says} {show_value(quote)}, but must return a Quote: return Quote(bid, ask)"
        )
    size = maker.terms.replications
    try:
        bid, ask = (copy_broadcast(price, size) for price in (quote.bid, quote.ask))
    except ValueError:
        raise ValueError(
            f"{says} a bid of shape {quote.bid.shape} and an ask of shape {quote.ask.shape}, but "
            f"there are {size} replications: give arrays of shape ({size},), or scalars"
        ) from None
    lowest, highest = find_span(bid)[0], find_span(ask)[1]
    if not (lowest >= -LARGEST_PRICE and highest <= LARGEST_PRICE and are_ordered(bid, ask)):
        _require_prices(bid, ask, says)
    return Quote.seal(bid, ask)


def _require_prices(bid: Array, ask: Array, says: str) -> None:
    """Raise ValueError unless all prices can be dealt at, or decline their side."""
    wrong = ~((bid <= ask) & (bid < np.inf) & (ask > -np.inf))
    if wrong.any():
        first = np.flatnonzero(wrong)[0]
        raise ValueError(
            f"{says} bid {bid[first]}, ask {ask[first]} (replication {first} of its block), but "
            f"must have bid <= ask, neither NaN, a bid below inf and an ask above -inf: "
            f"decline a side with a bid of -inf or an ask of inf"
        )
    for price in (bid, ask):
        far = np.isfinite(price) & (np.abs(price) > LARGEST_PRICE)
        if far.any():
            raise ValueError(
                f"{says} a price of {price[far][0]}, but must keep within {LARGEST_PRICE:g}: "
                f"decline a side with a bid of -inf or an ask of inf"
            )


def ask_for_law(trader: Trader, known: Law | None, period: int) -> Law:
    """Return the law by which the trader values, or raise TraderError if it is not one.

    What is `known` to be a law is not checked again.
    """
    law = trader.law
    if law is known:
        return law
    if not isinstance(law, Law):
        raise trader.failure(
            f"trader {trader.label!r} has in period {period} the law {law!r}, but must have a Law: "
            f"set self.law to one, as NoisyValuation(noise_sd)"
        )
    return law


def ask_for_valuation(trader: Trader, value: Array, draws: Draws, period: int) -> Array:
    """Return the valuations of the traders of this period, of shape (R,), or raise.

    Raises
    ------
    TraderError
        If the trader raises an error.
    ValueError
        If they are not R numbers within 1e140 of zero, or infinite where the trader trades at any
        price.
    """
    given = let(trader, "valuing the asset", period, trader.valuation, value, draws)
    valuation = let(trader, "valuing the asset", period, floats, "valuation", given)
    largest = LARGEST_PRICE if np.isfinite(trader.law.noise_sd) else np.inf
    low, high = find_span(valuation) if valuation.shape == value.shape else (np.nan, np.nan)
    if not (low >= -largest and high <= largest):
        wrong = (~(np.abs(valuation) <= LARGEST_PRICE)).sum()
        raise ValueError(
            f"trader {trader.label!r} gave in period {period} valuations of shape "
            f"{valuation.shape}, {np.isnan(valuation).sum()} of them NaN and {wrong} not within "
            f"{LARGEST_PRICE:g}, but must give one number for each of the {value.size} "
            f"replications: return an array of shape {value.shape}"
        )
    return valuation
