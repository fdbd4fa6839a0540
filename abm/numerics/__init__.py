"""Numerical methods that know nothing of markets.

Array types, argument checks, names that were meant, frozen fields, the standard normal on an
interval, golden sections, piecewise cubics and moments that merge. Everything works elementwise on
arrays whose last axis is the replication. Every other wing may import from here;
this one imports from none.
"""
