"""From market-shock's logs to tables and figures: pandas and matplotlib, never a live market.

Of a live market `plot` reads the tape alone.
"""

from typing import TYPE_CHECKING

from analysis.load import Run, load, load_unfinished

if TYPE_CHECKING:
    from analysis.overview import draw_market as plot

__all__ = ["Run", "load", "load_unfinished", "plot"]


def __getattr__(name: str) -> object:
    """Return `plot`, which brings matplotlib, when it is first asked for."""
    if name != "plot":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from analysis.overview import draw_market

    globals()[name] = draw_market
    return draw_market


def __dir__() -> list[str]:
    """Return the public names beside the module's own."""
    return sorted({*globals(), *__all__})
