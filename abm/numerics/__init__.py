"""Numerical methods that know nothing of markets.

Array types, argument checks, names that were meant, frozen fields, the standard normal on an
interval, golden sections, piecewise cubics and moments that merge: all elementwise on arrays whose
last axis is the replication. Knows no other wing, and every other may import from it.
"""
