"""The likelihood of a valuation at a price: closed forms on a normal prior."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from abm import GaussianBelief, GridBelief
from abm.market.noise import noise_of
from abm.one_period.marginal import ValuationAt

PRICE = np.array([-4.0, 0.5, 2.0, 7.0])
NOISES: dict[str, tuple[Any, Any, float]] = {
    "Gaussian": (0.8, stats.norm(scale=0.8), 1e-13),
    "logistic": (stats.logistic(scale=0.5), stats.logistic(scale=0.5), 1e-7),
}


def test_exact_belief_finds_the_closed_form_of_a_gaussian_one() -> None:
    shown = ValuationAt(PRICE, noise_of(0.8))
    log_density, mean = GridBelief(0.5, 3.0).broadcast(4).expect(shown)
    known, gaussian = GaussianBelief(0.5, 3.0).broadcast(4).condition(shown)
    np.testing.assert_allclose(log_density, known, rtol=1e-12)
    np.testing.assert_allclose(log_density, stats.norm.logpdf(PRICE, 0.5, np.hypot(3, 0.8)))
    np.testing.assert_allclose(mean, gaussian.mean, rtol=0, atol=1e-12)
    np.testing.assert_allclose(gaussian.mean, 0.5 + 9 / 9.64 * (PRICE - 0.5), rtol=1e-13)
    np.testing.assert_allclose(gaussian.sd, 3 * 0.8 / np.sqrt(9.64), rtol=1e-13)


@pytest.mark.parametrize("name", NOISES)
def test_likelihood_is_the_density_of_the_noise(name: str) -> None:
    noise, known, tolerance = NOISES[name]
    value = np.linspace(-5, 6, 23) * np.ones((4, 1))
    found = ValuationAt(PRICE, noise_of(noise)).likelihood(value)
    np.testing.assert_allclose(found, known.pdf(PRICE[:, np.newaxis] - value), rtol=tolerance)


def test_signal_of_some_replications_is_theirs() -> None:
    shown = ValuationAt(PRICE, noise_of(0.8))
    assert (shown.replications, shown.resolution) == (4, 0.8)
    assert shown.at(np.array([2, 0])).price.tolist() == [2.0, -4.0]
