"""The passes: by C where this package was built with a compiler, else by NumPy.

Both give the same bytes on one machine. In the environment MARKET_SHOCK_KERNELS=0 turns C off.
"""

from abm.numerics import compiled, passes

COMPILED = compiled.LIBRARY is not None

are_ordered = compiled.are_ordered if COMPILED else passes.are_ordered
close_moments = compiled.close_moments if COMPILED else passes.close_moments
evaluate_cubic = compiled.evaluate_cubic if COMPILED else passes.evaluate_cubic
find_ends = compiled.find_ends if COMPILED else passes.find_ends
find_prices = compiled.find_prices if COMPILED else passes.find_prices
find_span = compiled.find_span if COMPILED else passes.find_span
fold_interval = compiled.fold_interval if COMPILED else passes.fold_interval
hide_rivals = compiled.hide_rivals if COMPILED else passes.hide_rivals
take_sides = compiled.take_sides if COMPILED else passes.take_sides
tilt_normal = compiled.tilt_normal if COMPILED else passes.tilt_normal
widen = compiled.widen if COMPILED else passes.widen
