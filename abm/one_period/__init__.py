"""One period: the expected profit of a quote, and the zero-profit and the myopic quote.

On a Gaussian belief both quotes are closed forms of one depth, which takes the noise of any law as
Gaussian with its sd; on any other belief they are roots, one a side. Knows beliefs, the market and
numerics; nothing of what a quote teaches, which is for `bellman`.
"""
