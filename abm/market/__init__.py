"""What passes between traders and makers: quotes, valuations, what a trade reveals, random draws.

A law says how a trader values, and turns the side that was taken into a likelihood of the value:
beliefs see only likelihoods, never a trader, and traders never a belief. Knows numerics alone.
"""
