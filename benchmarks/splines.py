"""Two- and three-body cubic splines (UF3) as the linear rows of a student."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement
from pathlib import Path

import numba
import numpy as np
from numpy.typing import NDArray

from benchmarks.kept import keep_designs, kept_designs
from benchmarks.snap import overlaid
from vitrolyte.data.io.files import write_text
from vitrolyte.infer.distil.cores import Cores
from vitrolyte.infer.distil.descriptors import VOIGT, Design
from vitrolyte.infer.distil.geometry import neighbour_pairs
from vitrolyte.potentials.potential import LammpsPair
from vitrolyte.potentials.teacher import Snapshot

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
FILE = "student.uf3"
FIRST_2_A, FIRST_3_A = 0.25, 1.0
"""First knots, Å: LAMMPS reads beyond its tables below the first, and drops triples below it."""

ORDER = 3


@dataclass(frozen=True)
class Splines:
    """Cubic splines of distances, of pairs and of triples.

    ``E = Σ_i c_i + Σ_{i≠j} V2(r_ij) + Σ_i Σ_{j<k} V3(r_ij, r_ik, r_jk)`` with V2 and V3 (products
    of) cubic B-splines on even knots, smoothly zero at their cut-offs (and V3 zero at its first
    knot): S. R. Xie, M. Rupp, R. G. Hennig, npj Comput. Mater. 9, 162 (2023),
    doi:10.1038/s41524-023-01092-7.

    Attributes
    ----------
    elements, folder
        Which elements; where finished rows are kept.
    pair_A, pair_intervals
        Cut-off of pairs and its even parts.
    triple_A, triple_intervals, far_intervals
        Cut-off of the two sides that meet at an atom and its parts; parts of the third side.
    """

    elements: tuple[str, ...]
    folder: Path
    pair_A: float = 6.0
    pair_intervals: int = 24
    triple_A: float = 4.0
    triple_intervals: int = 6
    far_intervals: int = 8

    @property
    def name(self) -> str:
        """Name it by its reach."""
        return f"UF3, pairs to {self.pair_A:g} Å, triples to {self.triple_A:g} Å"

    @property
    def knots(self) -> tuple[Array, Array, Array]:
        """Knots of pairs, of the near and of the far sides of triples, Å."""
        return (
            _knots(FIRST_2_A, self.pair_A, self.pair_intervals),
            _knots(FIRST_3_A, self.triple_A, self.triple_intervals),
            _knots(FIRST_3_A, 2 * self.triple_A, self.far_intervals),
        )

    @cached_property
    def tables(self) -> tuple[Indices, Indices, int]:
        """Columns of pair (i, j, knot) and triple (i, j, k, knot, knot, knot) splines, and count.

        -1 stands where a coefficient is held at zero. j and k of a triple may be exchanged.
        """
        kinds = len(self.elements)
        pair, near, far = (len(k) - ORDER - 1 for k in self.knots)
        pairs = np.full((kinds, kinds, pair), -1, dtype=np.int64)
        triples = np.full((kinds, kinds, kinds, near, near, far), -1, dtype=np.int64)
        free = kinds  # the constants come first
        for i, j in combinations_with_replacement(range(kinds), 2):
            pairs[i, j, : pair - ORDER] = pairs[j, i, : pair - ORDER] = free + np.arange(
                pair - ORDER
            )
            free += pair - ORDER
        sides = range(1, near - ORDER)
        length = far - ORDER - 1
        for i in range(kinds):
            for j, k in combinations_with_replacement(range(kinds), 2):
                for a in sides:
                    for b in sides:
                        if j == k and b < a:
                            continue
                        columns = free + np.arange(length)
                        triples[i, j, k, a, b, 1 : 1 + length] = columns
                        triples[i, k, j, b, a, 1 : 1 + length] = columns
                        free += length
        return pairs, triples, free

    def prepare(self, snapshots: Sequence[Snapshot]) -> None:
        """Compute the rows not kept from before."""
        keep_designs(snapshots, self._place, self._computed)

    def designs(self, snapshots: Sequence[Snapshot]) -> list[Design]:
        """Return the rows of every snapshot, computing only those not kept from before."""
        return kept_designs(snapshots, self._place, self._computed)

    @property
    def _place(self) -> Path:
        key = f"uf3-{self.pair_A:g}-{self.pair_intervals}-{self.triple_A:g}"
        return self.folder / f"{key}-{self.triple_intervals}-{self.far_intervals}"

    def _computed(self, snapshots: Sequence[Snapshot], _: Path) -> list[Design]:
        return [self._design(one) for one in snapshots]

    def roughness(self) -> Array:
        """Return the matrix R of the curvature ridge, ``c' R c``: second differences, squared."""
        pairs, triples, count = self.tables
        total = np.zeros((count, count))
        for line in _lines(pairs, triples):
            for first, middle, last in zip(line[:-2], line[1:-1], line[2:]):
                for a, x in ((first, 1.0), (middle, -2.0), (last, 1.0)):
                    for b, y in ((first, 1.0), (middle, -2.0), (last, 1.0)):
                        if a >= 0 and b >= 0:
                            total[a, b] += x * y
        return total

    def written(self, coefficients: Array, cores: Cores, folder: Path) -> LammpsPair:
        """Write the file of ``pair_style uf3`` and return the commands, cores laid over.

        LAMMPS knows no constants there: its energies are short of them.
        """
        write_text(folder / FILE, "".join(self._blocks(coefficients)))
        own = f"pair_coeff * * uf3 {FILE} {' '.join(self.elements)}"
        return overlaid("uf3 3", own, cores, (folder / FILE,))

    def _design(self, snapshot: Snapshot) -> Design:
        pair_knots, near, far = self.knots
        pairs, triples, count = self.tables
        kinds = np.array([self.elements.index(e) for e in snapshot.species])
        atoms = len(kinds)
        rows = np.zeros((3 * atoms + 10, count))
        rows[0, : len(self.elements)] = np.bincount(kinds, minlength=len(self.elements))
        found = neighbour_pairs(snapshot, self.pair_A)
        _add_pairs(rows, found.first, found.second, found.vectors, kinds, pair_knots, pairs)
        close = found.distances < self.triple_A
        order = np.argsort(found.first[close], kind="stable")
        ends = found.first[close][order], found.second[close][order]
        bounds = np.searchsorted(ends[0], np.arange(atoms + 1))
        vectors = np.ascontiguousarray(found.vectors[close][order])
        _add_triples(rows, bounds, ends[1], vectors, kinds, near, far, triples)
        virial = rows[-9:].reshape(3, 3, count)
        stress = np.array([0.5 * (virial[i, j] + virial[j, i]) for i, j in VOIGT])
        return Design(rows[0], rows[1:-9], stress / snapshot.volume)

    def _blocks(self, coefficients: Array) -> Iterator[str]:
        head = "#UF3 POT UNITS: metal DATE: today AUTHOR: benchmark CITATION: none\n"
        pair_knots, near, far = self.knots
        pairs, triples, _ = self.tables
        filled = np.append(coefficients, 0.0)  # a column of -1 reads the zero
        kinds = range(len(self.elements))
        for i, j in combinations_with_replacement(kinds, 2):
            values = filled[pairs[i, j]]
            yield f"{head}2B {self.elements[i]} {self.elements[j]} 0 3 uk\n"
            yield f"{self.pair_A} {len(pair_knots)}\n{_row(pair_knots)}{len(values)}\n"
            yield f"{_row(values)}#\n"
        for i in kinds:
            for j, k in combinations_with_replacement(kinds, 2):
                cube = filled[triples[i, j, k]]
                yield f"{head}3B {' '.join(self.elements[x] for x in (i, j, k))} 0 3 uk\n"
                yield f"{2 * self.triple_A} {self.triple_A} {self.triple_A} "
                yield f"{len(far)} {len(near)} {len(near)}\n{_row(far)}{_row(near)}{_row(near)}"
                yield f"{' '.join(map(str, cube.shape))}\n"
                yield "".join(_row(line) for plane in cube for line in plane) + "#\n"


def _knots(first: float, last: float, intervals: int) -> Array:
    inner = np.linspace(first, last, intervals + 1)
    return np.concatenate([[first] * ORDER, inner, [last] * ORDER])


def _row(values: Array) -> str:
    return " ".join(f"{value:.17g}" for value in values) + "\n"


def _lines(pairs: Indices, triples: Indices) -> Iterator[list[int]]:
    """Yield every line of neighbouring coefficients along one distance, each once."""
    seen = set()
    along = [pairs.reshape(-1, pairs.shape[-1])]
    for axis in (3, 4, 5):
        moved = np.moveaxis(triples, axis, -1)
        along.append(moved.reshape(-1, moved.shape[-1]))
    for table in along:
        for line in table:
            key = tuple(int(column) for column in line)
            if max(key) >= 0 and key not in seen:
                seen.add(key)
                yield list(key)


@numba.njit(cache=True)
def _splines(knots, r, values, slopes):  # type: ignore[no-untyped-def]
    """Fill the four cubic B-splines that are not zero at r, and their slopes; return the first."""
    spacing = knots[4] - knots[3]
    start = int((r - knots[0]) / spacing)
    top = len(knots) - 8
    start = min(max(start, 0), top)
    at = start + 3
    lower = np.zeros(4)
    lower[0] = 1.0
    for degree in range(1, 4):
        if degree == 3:
            for m in range(4):
                left = lower[m - 1] / (knots[at + m] - knots[at + m - 3]) if m > 0 else 0.0
                right = lower[m] / (knots[at + m + 1] - knots[at + m - 2]) if m < 3 else 0.0
                slopes[m] = 3.0 * (left - right)
        saved = 0.0
        for m in range(degree):
            right_knot, left_knot = knots[at + m + 1], knots[at + m + 1 - degree]
            part = lower[m] / (right_knot - left_knot)
            lower[m] = saved + (right_knot - r) * part
            saved = (r - left_knot) * part
        lower[degree] = saved
    values[:] = lower
    return start


@numba.njit(cache=True)
def _add_pairs(rows, first, second, vectors, kinds, knots, table):  # type: ignore[no-untyped-def]
    values, slopes = np.zeros(4), np.zeros(4)
    virial = len(rows) - 9
    for p in range(len(first)):
        i, j = first[p], second[p]
        r = np.sqrt((vectors[p] ** 2).sum())
        if r < knots[0]:
            continue
        start = _splines(knots, r, values, slopes)
        for a in range(4):
            column = table[kinds[i], kinds[j], start + a]
            if column < 0:
                continue
            rows[0, column] += values[a]
            for x in range(3):
                pull = slopes[a] * vectors[p, x] / r
                rows[1 + 3 * i + x, column] += pull
                rows[1 + 3 * j + x, column] -= pull
                for y in range(3):
                    rows[virial + 3 * x + y, column] += pull * vectors[p, y]


@numba.njit(cache=True)
def _add_triples(rows, bounds, second, vectors, kinds, near, far, table):  # type: ignore[no-untyped-def]
    u, v, w = np.zeros(4), np.zeros(4), np.zeros(4)
    du, dv, dw = np.zeros(4), np.zeros(4), np.zeros(4)
    virial = len(rows) - 9
    for i in range(len(bounds) - 1):
        for p in range(bounds[i], bounds[i + 1]):
            for q in range(p + 1, bounds[i + 1]):
                j, k = second[p], second[q]
                ij, ik = vectors[p], vectors[q]
                jk = ik - ij
                rij = np.sqrt((ij**2).sum())
                rik = np.sqrt((ik**2).sum())
                rjk = np.sqrt((jk**2).sum())
                if min(rij, rik) < near[0] or rjk < far[0]:
                    continue
                a0 = _splines(near, rij, u, du)
                b0 = _splines(near, rik, v, dv)
                c0 = _splines(far, rjk, w, dw)
                for a in range(4):
                    for b in range(4):
                        for c in range(4):
                            column = table[kinds[i], kinds[j], kinds[k], a0 + a, b0 + b, c0 + c]
                            if column < 0:
                                continue
                            rows[0, column] += u[a] * v[b] * w[c]
                            on_ij = du[a] * v[b] * w[c] / rij
                            on_ik = u[a] * dv[b] * w[c] / rik
                            on_jk = u[a] * v[b] * dw[c] / rjk
                            for x in range(3):
                                fij, fik, fjk = on_ij * ij[x], on_ik * ik[x], on_jk * jk[x]
                                rows[1 + 3 * i + x, column] += fij + fik
                                rows[1 + 3 * j + x, column] += fjk - fij
                                rows[1 + 3 * k + x, column] -= fik + fjk
                                for y in range(3):
                                    rows[virial + 3 * x + y, column] += (
                                        fij * ij[y] + fik * ik[y] + fjk * jk[y]
                                    )
