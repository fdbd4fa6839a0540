"""Guards around makers: their errors name them, and what they quote is checked."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb

import numpy as np

from abm.beliefs.none import NoBelief
from abm.market.quotes import Quote
from abm.participants.maker import MakerError, MarketMaker

OF_SCALARS = ("truth value", "scalar", "size-1", "0-dimensional", "length-1")  # in NumPy's errors
SCALAR = (
    "her prices, belief and inventory are arrays over the replications: use np.where where you "
    "would write if, and np.exp for math.exp, or decorate her class with @per_replication"
)


@contextmanager
def answering(maker: MarketMaker, doing: str, period: int) -> Iterator[None]:
    """Turn any error of a maker into one that names her, what she was doing, and the period."""
    try:
        yield
    except Exception as error:
        mend = f"; {SCALAR}" if any(word in str(error) for word in OF_SCALARS) else ""
        raise MakerError(
            f"maker {maker.label!r} raised an error when she {doing} in period {period} "
            f"({_line(maker, error)}): {type(error).__name__}: {error}{mend}"
        ) from error


def _line(maker: MarketMaker, error: Exception) -> str:
    """Return the line at fault, the last in her own file if the error has passed through it."""
    file = getattr(sys.modules.get(type(maker).__module__), "__file__", None)
    frames = extract_tb(error.__traceback__)
    at = next((frame for frame in reversed(frames) if frame.filename == file), frames[-1])
    return f"{Path(at.filename).name}, line {at.lineno}"


def posted(maker: MarketMaker, period: int) -> Quote:
    """Return a maker's quote for this period, of shape (R,), or raise if it is not one.

    Raises
    ------
    MakerError
        If she raises an error.
    TypeError
        If it is no `Quote`.
    ValueError
        If its shape does not broadcast to (R,), or a price is NaN or on the wrong side.
    """
    with answering(maker, "quoted", period):
        quote = maker.quote()
    says = f"maker {maker.label!r} quoted in period {period}"
    if not isinstance(quote, Quote):
        raise TypeError(f"{says} {quote!r}, but must return a Quote: return Quote(bid, ask)")
    size = maker.terms.replications
    try:
        bid, ask = (np.array(np.broadcast_to(price, size)) for price in (quote.bid, quote.ask))
    except ValueError:
        raise ValueError(
            f"{says} a bid of shape {quote.bid.shape} and an ask of shape {quote.ask.shape}, but "
            f"there are {size} replications: give arrays of shape ({size},), or scalars"
        ) from None
    wrong = ~((bid <= ask) & (bid < np.inf) & (ask > -np.inf))
    if wrong.any():
        first = np.flatnonzero(wrong)[0]
        raise ValueError(
            f"{says} bid {bid[first]}, ask {ask[first]} (replication {first} of its block), but "
            f"must have bid <= ask, neither NaN, a bid below inf and an ask above -inf: "
            f"{_mend(maker)}"
        )
    bid.setflags(write=False)
    ask.setflags(write=False)
    return Quote(bid, ask)


def _mend(maker: MarketMaker) -> str:
    if isinstance(maker.belief, NoBelief):
        return "this maker has no belief; quote without one, or give it one"
    return "decline a side with a bid of -inf or an ask of inf"
