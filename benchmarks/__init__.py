"""Speed and memory beside other programs, on the same input in one run."""

import os

# One thread for everybody, set before the numerical libraries start theirs.
os.environ.setdefault("OMP_NUM_THREADS", "1")
