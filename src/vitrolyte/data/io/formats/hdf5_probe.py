"""Walk through an HDF5 file in a process of its own.

Run *by path* with a file. The HDF5 library can go round in circles, or die, in the tables of a
damaged file, and nothing in the same process can stop it; here the caller can.
"""

from __future__ import annotations

import os
import sys


def walk(path: str) -> None:
    """Visit every group and set of a file; read their attributes and the first entry of each."""
    import h5py

    def visit(_: str, found: h5py.Group | h5py.Dataset) -> None:
        dict(found.attrs)
        if isinstance(found, h5py.Dataset) and found.size:
            found[(slice(0, 1),) * min(found.ndim, 1)]

    with h5py.File(path, "r") as opened:
        dict(opened.attrs)
        opened.visititems(visit)


if __name__ == "__main__":
    # run by path, Python puts this folder first: its files must not pass for other modules
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [place for place in sys.path if place != here]
    walk(sys.argv[1])
