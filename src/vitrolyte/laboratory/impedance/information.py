"""Covariances from the curvature of a sum of squares."""

from __future__ import annotations

import numpy as np

from vitrolyte.data.model import Floats


def inverse(normal: Floats) -> Floats:
    """Return the inverse; what the spectrum does not tell at all has a very large variance."""
    size = np.sqrt(np.maximum(np.diag(normal), 1e-30))
    values, vectors = np.linalg.eigh(normal / np.outer(size, size))
    return np.asarray((vectors / np.maximum(values, 1e-12)) @ vectors.T / np.outer(size, size))
