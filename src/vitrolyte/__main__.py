"""``python -m vitrolyte`` is the program."""

from vitrolyte.cli import main

main()
