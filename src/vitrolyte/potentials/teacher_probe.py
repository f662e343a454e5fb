"""Look for a teacher in the interpreter that runs this file, without loading anything heavy.

Run *by path* with a module, the weights file inside its package (or ``-``); prints JSON: the
version of the package and the place and SHA-256 of the weights, each null where it is missing.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import sys


def look(module: str, weights: str) -> dict[str, str | None]:
    """Return what is there of a package and its weights."""
    found = importlib.util.find_spec(module)
    answer: dict[str, str | None] = {"version": None, "weights": None, "sha256": None}
    if found is None or found.origin is None:
        return answer
    answer["version"] = version(module)
    path = os.path.join(os.path.dirname(found.origin), weights)
    if weights != "-" and os.path.isfile(path):
        with open(path, "rb") as stream:
            digest = hashlib.sha256(stream.read()).hexdigest()
        answer |= {"weights": path, "sha256": digest}
    return answer


def version(module: str) -> str:
    """Return the version of the distribution that holds a module."""
    try:
        return importlib.metadata.version(module)
    except importlib.metadata.PackageNotFoundError:
        owners = importlib.metadata.packages_distributions().get(module, [])
        return importlib.metadata.version(owners[0]) if owners else "unknown"


if __name__ == "__main__":
    # run by path, Python puts this folder first: its files must not pass for the teacher's modules
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [place for place in sys.path if place != here]
    sys.stdout.write(json.dumps(look(*sys.argv[1:3])) + "\n")
