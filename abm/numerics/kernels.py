"""The passes: by C where this package was built with a compiler, else by NumPy.

Both give the same bytes on one machine. In the environment MARKET_SHOCK_KERNELS=0 turns C off.
"""

from abm.numerics.compiled import _kernels

COMPILED = _kernels is not None

if COMPILED:
    from abm.numerics.compiled import (
        are_ordered,
        close_moments,
        evaluate_cubic,
        find_ends,
        find_prices,
        find_span,
        fold_interval,
        hide_rivals,
        take_sides,
        tilt_normal,
        widen,
    )
else:
    from abm.numerics.passes import (
        are_ordered,
        close_moments,
        evaluate_cubic,
        find_ends,
        find_prices,
        find_span,
        fold_interval,
        hide_rivals,
        take_sides,
        tilt_normal,
        widen,
    )

__all__ = [
    "COMPILED",
    "are_ordered",
    "close_moments",
    "evaluate_cubic",
    "find_ends",
    "find_prices",
    "find_span",
    "fold_interval",
    "hide_rivals",
    "take_sides",
    "tilt_normal",
    "widen",
]
