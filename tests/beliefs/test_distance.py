"""The distance of beliefs, where it has a closed form."""

import numpy as np
import pytest
from scipy.special import ndtr

from abm.beliefs.distance import total_variation
from abm.beliefs.gaussian import GaussianBelief
from abm.beliefs.grid import GridBelief


@pytest.mark.parametrize("sd", [0.5, 3.0])
def test_two_normals_of_one_sd_differ_by_what_lies_on_either_side_of_the_middle(sd: float) -> None:
    apart = sd * np.array([0.1, 1.0, 4.0, 11.0, 14.0, 60.0])  # the last ones beyond the window
    found = total_variation(GridBelief(np.zeros(6), sd), GaussianBelief(apart, sd))
    np.testing.assert_allclose(found, 2 * ndtr(0.5 * apart / sd) - 1, rtol=0.0, atol=3e-5)
