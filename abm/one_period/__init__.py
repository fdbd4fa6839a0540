"""One period: the expected profit of a quote, and the zero-profit and the myopic quote.

For traders who value at the value and noise, both quotes on a Gaussian belief are closed forms of
one depth, which takes any noise as Gaussian with its sd; on any other belief they are roots, one a
side. For other traders they are searched for: the first root, the best of all maxima. Knows
beliefs, the market and numerics; nothing of what a quote teaches, which is for `bellman`.
"""
