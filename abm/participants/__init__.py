"""What every maker and every trader is, and how they are found by name.

A maker sees her belief, her own inventory and cash, the public terms, this period's law, and what
the exchange's transparency shows her, never the value; a trader has a law, and may observe. Knows
beliefs, the market and numerics; makers and traders themselves are files of the wings above.
"""
