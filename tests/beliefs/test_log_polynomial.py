"""Windows that are moved by the polynomial through their logs: against the history's product."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from abm import GridBelief
from abm.beliefs.log_polynomial import interpolate
from abm.beliefs.posterior import compute_posterior
from abm.beliefs.window import Placements, Window
from abm.market.quotes import Quote
from abm.market.valuations import NoisyValuation

PERIODS = 20  # after which the sd is .25


def learn(noise: Any = 1.0) -> tuple[GridBelief, Window]:
    """Return what traders who met narrow quotes have shown, in three markets, and its window."""
    rng, law = np.random.default_rng(3), NoisyValuation(noise)
    belief = GridBelief(0.0, 1.0)
    for _ in range(PERIODS):
        quote = Quote.around(belief.mean, 0.7)
        shown = law.likelihood(quote, quote.side(rng.normal(size=1)))
        belief = belief.update(shown.lower, shown.upper, noise)
    belief = belief.broadcast(3)
    (window,) = belief.windows
    return belief, window


def place(window: Window, points: int = 30) -> Placements:
    """Return where such a belief is placed anew: seven sds to both sides of its mean."""
    low, high = window.mean - 7 * window.sd, window.mean + 7 * window.sd
    return Placements(window.rows, low, high, (high - low) / points)


def test_polynomial_gives_what_the_history_gives() -> None:
    belief, window = learn()
    (moved,), rest = interpolate(window, place(window), 1.0)
    assert not rest.rows.size
    np.testing.assert_array_equal(moved.rows, window.rows)
    known = compute_posterior(
        belief.prior, belief.history, moved.rows, moved.low, moved.spacing, moved.points
    )
    np.testing.assert_allclose(moved.weight, known.weight, rtol=0, atol=1e-11)
    np.testing.assert_allclose(moved.weight, known.weight, rtol=1e-4)  # in the tails, too
    np.testing.assert_allclose(moved.log_evidence, known.log_evidence, rtol=1e-11)


def test_what_lies_outside_of_the_window_is_left_to_the_history() -> None:
    _, window = learn()
    placements = place(window)
    outside = placements._replace(low=np.where(window.rows == 2, -9.0, placements.low))
    _, rest = interpolate(window, outside, 1.0)
    assert rest.rows.tolist() == [2]


def test_belief_that_is_wide_next_to_the_noise_is_left_to_the_history() -> None:
    _, window = learn()
    moved, rest = interpolate(window, place(window), 0.3)
    assert not sum(part.rows.size for part in moved)
    np.testing.assert_array_equal(rest.rows, window.rows)


@pytest.mark.parametrize("noise", [stats.laplace(scale=np.sqrt(0.5))], ids=["Laplace"])
def test_likelihood_with_a_kink_is_left_to_the_history(noise: Any) -> None:
    belief, window = learn(noise)
    assert belief.sd.max() < 0.4
    moved, rest = interpolate(window, place(window, window.points), 1.0)
    assert not sum(part.rows.size for part in moved)
    np.testing.assert_array_equal(rest.rows, window.rows)
