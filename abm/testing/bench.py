"""The test bench: a maker among traders who follow a script, so that two runs differ in one thing.

A script holds three replications. Any of them can be run by itself, with the valuations and the
random draws that it has among the others; prices can be shifted, and scaled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial, wraps
from typing import TypeVar, cast

import numpy as np

from abm.exchange.admission import MakerChoice
from abm.exchange.model import Exchange
from abm.makers.zero_profit import ZeroProfit
from abm.market.random_streams import Streams
from abm.numerics.arrays import Array, Flags
from abm.participants.transparency import TRANSPARENCIES
from abm.testing.laws import OTHER_LAWS, LawMaker, make_paper_law
from abm.testing.randomness import watch_randomness
from abm.testing.script import WIDTH, Decliner, RowStreams, Scripted
from abm.testing.trail import BrokenRuleError, Trail

PERIODS, LONG, SHORT = 12, 60, 4  # of a maker alone, beside rivals, and under other laws
SEED = 2008

Shared = TypeVar("Shared")


@dataclass(frozen=True)
class Bench:
    """A market for a maker to be tried in.

    Parameters
    ----------
    prior_sd : float
        In noise sds.
    rivals : tuple
        Makers in the same exchange.
    transparency : {"public", "own"}
    rows : tuple of int
        Which replications of the script.
    shift, scale : float
        What prices are moved by, once they are multiplied; `scale` is the noise sd.
    seed : int
        Of the maker's draws; the script is always the same.
    hidden : float
        What the value is moved by, and valuations too where that does not change a trade.
    alike : bool
        Whether the same traders come in all replications; what makers draw stays apart.
    periods : int
        How many traders come.
    make_law : callable
        From the terms of the market to the law by which the maker is told that they value.
    """

    prior_sd: float = 1.0
    rivals: tuple[MakerChoice, ...] = ()
    transparency: str = "public"
    rows: tuple[int, ...] = tuple(range(WIDTH))
    shift: float = 0.0
    scale: float = 1.0
    seed: int = 1
    hidden: float = 0.0
    alike: bool = False
    periods: int = PERIODS
    make_law: LawMaker = make_paper_law

    def market(self, maker: MakerChoice) -> Exchange:
        """Return an exchange of the maker and her rivals, with the traders of the script."""
        return ScriptedExchange(self, maker)

    def write_script(self) -> Array:
        """Return the valuations of the traders, shape (periods, R), in units of price."""
        rng = np.random.default_rng(SEED)
        script = self.prior_sd * rng.normal(size=WIDTH) + rng.normal(size=(self.periods, WIDTH))
        rows = [0] * len(self.rows) if self.alike else list(self.rows)
        return self.scale * script[:, rows] + self.shift

    def trail(self, maker: MakerChoice) -> Trail:
        """Return what the maker quotes and believes in every period."""
        return Trail.of(self.market(maker), self.periods)

    def first_trail(self, maker: MakerChoice) -> Trail:
        """Return the trail that she left here first: rules of one check share it."""
        return self._share("first", lambda: self.trail(maker))

    def watched_trail(self, maker: MakerChoice) -> tuple[Trail, dict[str, Flags]]:
        """Return the trail of another run, and when shared random states moved; shared as well."""
        return self._share("watched", lambda: watch_randomness(self.market(maker), self.periods))

    def _share(self, which: str, make: Callable[[], Shared]) -> Shared:
        """Return what another rule of this check has made on this bench, or make it."""
        known = _KNOWN.get({})
        if (which, self) not in known:
            known[which, self] = make()
        return cast(Shared, known[which, self])


class ScriptedExchange(Exchange):
    """An exchange on the bench: its value is moved out of sight, its draws are the script's."""

    def __init__(self, bench: Bench, maker: MakerChoice) -> None:
        self._bench = bench
        super().__init__(
            [maker, *bench.rivals],
            partial(
                Scripted,
                make_law=bench.make_law, script=bench.write_script(), beyond=bench.hidden,
            ),
            prior_mean=bench.shift, prior_sd=bench.scale * bench.prior_sd, noise_sd=bench.scale,
            transparency=bench.transparency, replications=len(bench.rows), rng=bench.seed,
        )  # fmt: skip

    def open_streams(self, seed: int, block: int, replications: int) -> Streams:  # noqa: ARG002, there is one block
        """Return the draws of the bench's replications."""
        return RowStreams(seed, self._bench.rows)

    def draw_shock(self) -> Array:
        """Return the value after the shock, moved by what is hidden."""
        return super().draw_shock() + self._bench.hidden


_KNOWN: ContextVar[dict[tuple[str, Bench], object]] = ContextVar("known trails")


@contextmanager
def share_trails() -> Iterator[None]:
    """Let rules that are tried on one maker in the context share her trails."""
    before = _KNOWN.set({})
    try:
        yield
    finally:
        _KNOWN.reset(before)


ALONE = [Bench(prior_sd) for prior_sd in (0.25, 1.0, 3.0, 8.0)]
BESIDE_RIVALS = [
    Bench(2.0, (ZeroProfit, Decliner), transparency, periods=LONG)
    for transparency in TRANSPARENCIES
]
BENCHES = [*ALONE, *BESIDE_RIVALS]
UNDER_OTHER_LAWS = [Bench(2.0, periods=SHORT, make_law=make_law) for make_law in OTHER_LAWS]
UNDER_ALL_LAWS = [*BENCHES, *UNDER_OTHER_LAWS]

Rule = Callable[[MakerChoice], None]


def is_answered(bench: Bench, maker: MakerChoice) -> bool:
    """Return whether the maker quotes in the market of a bench: she may refuse its law."""
    try:
        bench.first_trail(maker)
    except Exception:
        return False
    return True


def on_benches(*benches: Bench) -> Callable[[Callable[[MakerChoice, Bench], None]], Rule]:
    """Return a decorator of a rule of maker and bench: it then holds if it does on each of these.

    Another law than the paper's is told if she breaks the rule under it, and passed over if she
    does not quote there: that is a rule by itself, `honours_the_law`.
    """

    def decorate(rule: Callable[[MakerChoice, Bench], None]) -> Rule:
        @wraps(rule)
        def try_on_each(maker: MakerChoice) -> None:
            for bench in benches:
                who = OTHER_LAWS.get(bench.make_law)
                if who and not is_answered(bench, maker):
                    continue
                try:
                    rule(maker, bench)
                except BrokenRuleError as error:
                    raise BrokenRuleError(f"where {who}, {error}" if who else str(error)) from error

        return try_on_each

    return decorate
