"""The exchange: a Mesa model of one dealer market, in R replications at once.

Every period it opens (the value moves, makers quote) and clears (a trader deals, all learn); it
admits those who take part, guards itself against their errors, and keeps the tape. Knows makers,
traders and all wings below.
"""

from abm.exchange.model import Exchange

__all__ = ["Exchange"]
