"""The type of a vector."""

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""float32; one vector, shape `(dimensions,)`, or many, shape `(count, dimensions)`."""
