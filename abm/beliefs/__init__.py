"""Beliefs about the value: normal by moment matching, or exact on a grid.

A belief is a frozen value that says itself what it can do, as whether it has windows of points to
look at; conditioning it on a likelihood returns the posterior. Knows the market's likelihoods and
numerics.
"""
