"""Beliefs about the value: normal by moment matching, or exact on a grid.

A belief is a frozen value; conditioning it on a likelihood returns the posterior. It says itself
what it can do, as whether it has windows of points to look at. Knows the market's likelihoods and
numerics.
"""
