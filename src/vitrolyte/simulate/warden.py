"""Starts a program that ends when its parent ends, even when the parent is killed.

Run by path in a bare interpreter: ``python warden.py PARENT_PID PROGRAM ARGUMENT...``. The kernel's
parent-death signal survives the exec, so nothing of this process stays behind
(https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html). Elsewhere than on Linux the
program is started plainly.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Ask for a signal at the parent's death, then become the program."""
    parent, program = int(arguments[0]), arguments[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        # the parent died before the request was made
        sys.exit(1)
    os.execvp(program[0], program)


if __name__ == "__main__":
    main(sys.argv[1:])
