"""Distil a student potential: the same as ``vitrolyte distil CONFIG``, with its options."""

from __future__ import annotations

import sys

from vitrolyte.cli import main

if __name__ == "__main__":
    sys.argv = ["vitrolyte", "distil", *sys.argv[1:]]
    main()
