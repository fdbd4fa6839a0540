"""The array types that flow through a market; the last axis is the replication."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Sides = NDArray[np.int8]
Index = NDArray[np.intp]
