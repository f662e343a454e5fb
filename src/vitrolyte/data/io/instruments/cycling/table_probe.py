"""Turn a Neware file or a workbook into a table of text, in a process of its own.

Run *by path* with a file and the place for the table, so that nothing that goes wrong in a foreign
reader, a hang or memory without end, reaches the program that asked.
"""

from __future__ import annotations

import csv
import importlib
import os
import resource
import sys

_MOST_BYTES = 3 * 2**30
_WANTED = ("voltage", "current")


def from_neware(path: str, out: str) -> None:
    """Write the records of a .nda or .ndax file."""
    neware = importlib.import_module("NewareNDA")
    frame = neware.read(path, log_level="ERROR")
    names = {"Time": "Step Time (s)", "Voltage": "Voltage (V)"}
    frame.rename(columns=names).to_csv(out, index=False)


def from_workbook(path: str, out: str) -> None:
    """Write the first sheet whose headings name a voltage and a current."""
    openpyxl = importlib.import_module("openpyxl")
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    for sheet in book.worksheets:
        rows = sheet.iter_rows(values_only=True)
        headings = next(rows, None) or ()
        line = " ".join(str(cell).lower() for cell in headings if cell is not None)
        if all(word in line for word in _WANTED):
            with open(out, "w", encoding="utf-8", newline="") as stream:
                writer = csv.writer(stream)
                writer.writerow(headings)
                writer.writerows(rows)
            return
    sys.exit("no sheet has headings with a voltage and a current")


def main(path: str, out: str) -> None:
    """Write the table of a file."""
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    if path.lower().endswith((".nda", ".ndax")):
        from_neware(path, out)
    else:
        from_workbook(path, out)


if __name__ == "__main__":
    # run by path, Python puts this folder first: its files must not pass for other modules
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [place for place in sys.path if place != here]
    main(sys.argv[1], sys.argv[2])
