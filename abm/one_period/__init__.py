"""One period: the expected profit of a quote, and the zero-profit and the myopic quote.

On a Gaussian belief and the paper's trader both quotes are closed forms of one depth; on any other
belief or law they are roots, one a side. The sequential problem, in which a quote also pays by what
it teaches, is the wing `bellman`. Knows beliefs, the market and numerics.
"""
