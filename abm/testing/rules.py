"""The rules that a maker keeps; each is tried on the bench, and says what broke it."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np

from abm.exchange.admission import MakerChoice
from abm.exchange.guards import ask_for_quote
from abm.numerics.arrays import Array
from abm.participants.maker import MakerError, MarketMaker
from abm.testing.bench import ALONE, BENCHES, UNDER_ALL_LAWS, Bench, Rule, on_benches
from abm.testing.report import name_rules
from abm.testing.script import WIDTH
from abm.testing.trail import BrokenRuleError, Trail, require_nowhere
from abm.testing.traits import (
    earns_nothing_if_so_declared,
    honours_the_law,
    is_symmetric_if_so_declared,
)

SHIFT, SCALE = 7.0, 4.0


def answers_with_arrays(maker: MakerChoice) -> None:
    """She quotes for one replication, and for three."""
    for rows in ((0,), tuple(range(WIDTH))):
        try:
            Bench(rows=rows).first_trail(maker)
        except MakerError as error:
            raise BrokenRuleError(f"for {len(rows)} she does not: {error}") from error


@on_benches(*BENCHES)
def quotes_are_prices(maker: MakerChoice, bench: Bench) -> None:
    """Prices are finite, or infinite where she declines a side, and the bid is below the ask."""
    try:
        trail = bench.first_trail(maker)
    except ValueError as error:
        raise BrokenRuleError(str(error)) from error
    require_nowhere(~(trail.bid < trail.ask), "the bid is not below the ask", trail)


@on_benches(*UNDER_ALL_LAWS)
def replications_are_apart(maker: MakerChoice, bench: Bench) -> None:
    """Three replications are three times one: none knows of the others."""
    together = bench.first_trail(maker)
    for row in range(WIDTH):
        alone = replace(bench, rows=(row,)).trail(maker)
        says = f"replication {row} of three differs from the same by itself"
        require_nowhere(alone.differs(together.row(row)), says, alone)


@on_benches(*BENCHES)
def quoting_changes_nothing(maker: MakerChoice, bench: Bench) -> None:
    """To quote leaves her belief, inventory and cash as they were."""
    market = bench.market(maker)
    tried = market.makers[0]
    for period in range(bench.periods):
        before = {name: np.copy(part) for name, part in list_holdings(tried).items()}
        quote = ask_for_quote(tried, period)
        for name, now in list_holdings(tried).items():
            was = before[name]
            if not np.array_equal(was, now, equal_nan=True):
                raise BrokenRuleError(
                    f"her {name} was {was}, and after quoting {quote.bid}, {quote.ask} in "
                    f"period {period} it is {now}: learn in observe, book in settle"
                )
        market.step()


@on_benches(*UNDER_ALL_LAWS)
def moves_with_the_mean(maker: MakerChoice, bench: Bench) -> None:
    """If all prices, prior and valuations move by a constant, so do her quotes."""
    says = f"prices {SHIFT:g} higher did not move her quotes by as much"
    compare_with(maker, bench, says, shift=SHIFT)


@on_benches(*BENCHES)
def scales_with_the_noise(maker: MakerChoice, bench: Bench) -> None:
    """If noise, prior and valuations are multiplied by a constant, so are her quotes."""
    says = f"in units {SCALE:g} times as large she does not quote the same"
    compare_with(maker, bench, says, scale=SCALE)


@on_benches(*UNDER_ALL_LAWS)
def cannot_see_what_is_hidden(maker: MakerChoice, bench: Bench) -> None:
    """No quote depends on the value, or on a valuation, but by what the tape shows."""
    says = "with other values behind the same trades she quotes otherwise"
    compare_with(maker, bench, says, hidden=SHIFT)


@on_benches(*BENCHES)
def same_seed_same_quotes(maker: MakerChoice, bench: Bench) -> None:
    """Two runs with one seed are the same."""
    says = "she quotes otherwise in a second run: draw by self.draws, keep state in self"
    again, _ = bench.watched_trail(maker)
    require_nowhere(bench.first_trail(maker).differs(again), says, again)


@on_benches(*BENCHES)
def leaves_shared_randomness_alone(maker: MakerChoice, bench: Bench) -> None:
    """She draws from self.draws, never from random states of the whole program or of the model."""
    trail, moved = bench.watched_trail(maker)
    for whose, when in moved.items():
        says = f"{whose} moved in period {when.argmax()}: use self.draws"
        require_nowhere(np.broadcast_to(when[:, np.newaxis], trail.bid.shape), says, trail)


def draws_for_each_replication(maker: MakerChoice) -> None:
    """If she draws at random, every replication has a draw of its own."""
    for bench in ALONE:
        one, other = (replace(bench, alike=True, seed=seed).trail(maker) for seed in (1, 2))
        apart = one.differs(one.row(0)) | other.differs(other.row(0))
        if not apart.any():
            says = "she draws once for all replications: use self.draws, which draws for each"
            require_nowhere(one.differs(other), says, one)


def learns_from_what_she_sees(maker: MakerChoice) -> None:
    """If she has a belief, what she is shown of trades changes it."""
    for bench in BENCHES:
        if bench.market(maker).makers[0].belief is None:
            return
        trail = bench.first_trail(maker)
        if (trail.mean != trail.mean[0]).any() or (trail.sd != trail.sd[0]).any():
            return
    says = "no trade changes her belief: call super().observe(view) in observe, or give belief=None"
    require_nowhere(np.full_like(trail.sd, fill_value=True, dtype=np.bool_), says, trail)


@on_benches(*BENCHES)
def books_what_she_trades(maker: MakerChoice, bench: Bench) -> None:
    """Her inventory is what she has bought less what she has sold, her cash what that brought."""
    trail = bench.first_trail(maker)
    sold, paid = trail.sold.cumsum(axis=0), (trail.sold * trail.price).cumsum(axis=0)
    wrong = ~(np.isclose(trail.inventory, -sold) & np.isclose(trail.cash, paid))
    first = wrong.any(axis=1).argmax()
    sold, paid, held, cash = (part[first] for part in (sold, paid, trail.inventory, trail.cash))
    says = f"she has sold {sold}, for {paid}, but holds {held} and {cash}"
    require_nowhere(wrong, says, trail)


@on_benches(*BENCHES)
def survives_pickling(maker: MakerChoice, bench: Bench) -> None:
    """Pickled and restored halfway, a market goes on as if nothing had happened."""
    market = bench.market(maker)
    market.run(bench.periods // 2)
    try:
        pickle.dumps(maker)
        restored = pickle.loads(pickle.dumps(market))
    except Exception as error:
        raise BrokenRuleError(
            f"she cannot be pickled ({error}): define her class at the top of a module, and "
            f"hold nothing open"
        ) from error
    rest = bench.periods - bench.periods // 2
    trail, after = Trail.of(market, rest), Trail.of(restored, rest)
    require_nowhere(trail.differs(after), "she quotes otherwise once restored", after)


def compare_with(maker: MakerChoice, bench: Bench, says: str, **change: float) -> None:
    """Raise if on a changed bench her quotes are not the same, but for its scale and shift."""
    other = replace(bench, **change)  # type: ignore[arg-type]  # all that changes are floats
    trail, changed = bench.first_trail(maker), other.trail(maker)
    require_nowhere(trail.differs(changed, other.shift, other.scale), says, changed)


def list_holdings(maker: MarketMaker) -> dict[str, Array]:
    """Return what a maker believes and holds."""
    mean, sd = maker.moments
    return {
        "belief's mean": mean, "belief's sd": sd, "inventory": maker.inventory, "cash": maker.cash,
    }  # fmt: skip


RULES: dict[str, Rule] = name_rules(
    answers_with_arrays, quotes_are_prices, same_seed_same_quotes,
    leaves_shared_randomness_alone, draws_for_each_replication, replications_are_apart,
    quoting_changes_nothing, moves_with_the_mean, scales_with_the_noise,
    cannot_see_what_is_hidden, survives_pickling,
    learns_from_what_she_sees, books_what_she_trades, honours_the_law,
    earns_nothing_if_so_declared, is_symmetric_if_so_declared,
)  # fmt: skip

ALWAYS = ["answers-with-arrays", "quotes-are-prices"]
BASES = {name: [rule for rule in ALWAYS if rule != name] for name in RULES} | {
    name: [*ALWAYS, "same-seed-same-quotes"]
    for name in (
        "replications-are-apart", "moves-with-the-mean", "scales-with-the-noise",
        "cannot-see-what-is-hidden", "survives-pickling",
    )
}  # fmt: skip
"""What each rule rests on: a maker who breaks one of these cannot be tried by it."""
