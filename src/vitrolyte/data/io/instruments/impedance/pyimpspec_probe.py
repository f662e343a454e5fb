"""Read a file with pyimpspec in a process of its own and print its spectra as JSON.

Run *by path* with a file, so that nothing which goes wrong in a foreign reader, a hang or memory
without end, reaches the program that asked.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys

_MOST_BYTES = 2 * 2**30


def main(path: str) -> None:
    """Print frequency (Hz), real and imaginary part (ohm) of each spectrum."""
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    pyimpspec = importlib.import_module("pyimpspec")

    sets = [
        {
            "frequency": one.get_frequencies().tolist(),
            "real": one.get_impedances().real.tolist(),
            "imaginary": one.get_impedances().imag.tolist(),
        }
        for one in pyimpspec.parse_data(path)
    ]
    print(json.dumps(sets))


if __name__ == "__main__":
    # run by path, Python puts this folder first: its files must not pass for other modules
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [place for place in sys.path if place != here]
    main(sys.argv[1])
