"""What a notebook shows of an exchange: its makers, terms and size, and the spread by period."""

from __future__ import annotations

from typing import TYPE_CHECKING

from abm.numerics.describe import describe, list_some, make_html, show_count, show_span

if TYPE_CHECKING:
    from abm.exchange.model import Exchange


def describe_market(market: Exchange) -> str:
    """Return an exchange in one line."""
    makers, *rest = _list_parts(market).values()
    return describe(market, f"{makers}; {', '.join(map(str, rest))}")


def make_market_html(market: Exchange) -> str:
    """Return an exchange as a small table of HTML."""
    rows = _list_parts(market) | {
        "traders": list_some(map(str, market.traders)),
        "transparency": market.transparency,
    }
    return make_html("Exchange", rows, market.tape.draw_spreads())


def _list_parts(market: Exchange) -> dict[str, object]:
    return {
        "makers": list_some(maker.label for maker in market.makers),
        "terms": f"prior_sd={show_span(market.terms.prior.sd)}",
        "replications": show_count(market.terms.replications, "market"),
        "period": f"period {market.period}",
    }
