"""Distil a student potential: ``python distil/run.py CONFIG --teacher-python PATH --work DIR``.

The teacher runs in its own interpreter (one that has SevenNet, say), named by its path. A killed
run continues where it stopped; labels are kept in DIR and never bought twice.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from vitrolyte.infer.distil.collect import Bench
from vitrolyte.infer.distil.config import read_settings
from vitrolyte.infer.distil.publish import publish
from vitrolyte.infer.distil.rounds import distil
from vitrolyte.infer.distil.trust import examine
from vitrolyte.potentials.shelf import write_card


def main() -> None:
    """Read the command line and distil."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("--teacher-python", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="folder of the finished student")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    bench = Bench(read_settings(asked.config), asked.work, asked.teacher_python, asked.workers)
    folder = asked.out or asked.work / "student"
    fit = distil(bench)
    publish(fit, bench, folder)
    card = examine(fit, bench)
    write_card(card, folder / "card.json")
    for failure in card.failures:
        logging.warning("beyond its limit: %s", failure)


if __name__ == "__main__":
    main()
