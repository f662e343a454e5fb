"""Hops made of places that are known, without frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.trajectory import structure
from vitrolyte.observe.hops.detection import Fine, Hops, Stays
from vitrolyte.observe.hops.vibration import Vibration


def known_hops(
    places: list[NDArray[np.float64]], times: list[NDArray[np.int64]], n_frames: int, edge: float
) -> Hops:
    """Return hops of ions that are at places from one time to the next, the first from 0."""
    starts = [np.concatenate([[0], when]).astype(np.int64) for when in times]
    stops = [np.concatenate([when, [n_frames]]).astype(np.int64) for when in times]
    ion = np.repeat(np.arange(len(places)), [len(one) for one in places])
    stays = Stays(ion, np.concatenate(starts), np.concatenate(stops), np.concatenate(places))
    rest = structure(("Li",) * len(places), np.zeros((len(places), 3)), np.eye(3) * edge)
    fine = Fine(np.zeros(1, np.int64), np.zeros((0, 6)), np.zeros(0), 1.0)
    still = Vibration(1e-12, 1.0, 0.0)
    atoms = np.arange(len(places))
    return Hops("Li", atoms, 1.0, n_frames, stays, still, 0.5, 1, rest, fine)
