"""Reciprocal vectors in blocks that a fast transform takes whole, near ones all, far ones thinned.

The vectors of a box within a sphere are a block of integers. Beyond a sphere that holds as many
vectors as are wanted, a coarser lattice of vectors is as good for an average over directions: one
vector of p, again a lattice, and again a block of integers. To its vectors a shift is added that is
drawn anew in each frame, so that every vector of the box has the same chance. In real space the
coarser lattice means that the atoms are folded into a smaller cell, and the shift is a phase.

The number p is a prime from seven: where a box is made of n x n x n unit cells, Bragg peaks lie on
every n-th vector, and a lattice whose p does not divide n meets its fair share of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations_with_replacement, pairwise, permutations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vitrolyte.observe.sampling import Sampling, Snapshot
from vitrolyte.observe.scattering.fourier import Modes, Transform, modes, transform
from vitrolyte.observe.threads import processors

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Memory for the transforms of all threads together, bytes.
MEMORY = 2**30
# Without a budget the greatest of these is taken that costs one processor no longer than this, ns.
_AFFORDABLE_NS = 3e9
_BUDGETS = (10_000_000, 1_000_000, 300_000, 100_000, 30_000)
# From one lattice to the next coarser one, in |Q|.
_GREATEST_STEP = 3.3
_FEWEST_APART = 7
_CANDIDATES = 32


@dataclass(frozen=True, eq=False)
class Shell:
    """One lattice of reciprocal vectors and the range of lengths in which it is used.

    Attributes
    ----------
    basis
        (3, 3), integers M: the vectors are ``h = k M + shift`` in units of the reciprocal cell,
        with k whole numbers.
    index
        p: one of so many vectors of the box belongs to the lattice.
    q_low, q_high
        Vectors with ``q_low < |Q| <= q_high`` count, 1/Å.
    way
        How their sums are computed; all vectors of the range are in its block.
    """

    basis: Integers
    index: int
    q_low: float
    q_high: float
    way: Transform

    def shift(self, seed: int, frame: int) -> Integers:
        """Return the shift in a frame, (3,), near the origin; zero where no vector is left out."""
        if self.index == 1:
            return np.zeros(3, dtype=np.int64)
        drawn = np.random.default_rng((seed, self.index, frame)).integers(0, self.index, size=3)
        near = drawn - np.rint(drawn @ np.linalg.inv(self.basis)) @ self.basis
        return np.asarray(np.rint(near), dtype=np.int64)

    def indices(self, cell: Floats, shift: Integers) -> Integers:
        """Return the vectors that count in a given cell, (n, 3), in units of its reciprocal."""
        axes = [np.arange(-k, k + 1) for k in self.way.extents]
        if self.way.real:
            axes[2] = axes[2][self.way.extents[2] :]
        k = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
        if self.way.real:
            upper = (k[:, 1] > 0) | ((k[:, 1] == 0) & (k[:, 0] > 0))
            k = k[(k[:, 2] > 0) | upper]
        h = k @ self.basis + shift
        length = np.linalg.norm(h @ (2.0 * np.pi * np.linalg.inv(cell).T), axis=1)
        return np.asarray(h[(length > self.q_low) & (length <= self.q_high)])


@dataclass(frozen=True, eq=False)
class WavePlan:
    """All vectors of a box that are looked at.

    Attributes
    ----------
    shells
        From short to long vectors; the first leaves none out.
    seed
        Of the shifts.
    """

    shells: tuple[Shell, ...]
    seed: int

    @property
    def complete_to(self) -> float:
        """Return up to where every vector of the box is used, 1/Å."""
        return self.shells[0].q_high

    def cost_ns(self, sampling: Sampling) -> float:
        """Return about what all frames cost one processor, ns."""
        frame = sum(
            shell.way.cost_ns(int(count)) for shell in self.shells for count in sampling.counts
        )
        return frame * len(sampling.chosen)

    def threads(self, n_species: int) -> tuple[int, int]:
        """Return how many frames side by side fit into memory, and the threads within each."""
        greatest = max(_bytes(shell.way, n_species) for shell in self.shells)
        outer = int(max(1, min(processors(), MEMORY // greatest)))
        return outer, max(1, processors() // outer)

    def indices(self, cell: Floats, frame: int) -> Integers:
        """Return every vector that is used in a frame, (n, 3), in units of its reciprocal cell."""
        found = [shell.indices(cell, shell.shift(self.seed, frame)) for shell in self.shells]
        return np.concatenate(found)


def wave_plan(
    sampling: Sampling, q_max: float, *, budget: int | None = None, seed: int = 0
) -> WavePlan:
    """Return which reciprocal vectors of a sampled trajectory are looked at up to a length.

    Parameters
    ----------
    sampling
        The frames; their cells may differ.
    q_max
        1/Å.
    budget
        About how many vectors at least in each frame: half of them are spent on the sphere in
        which none is left out, as far as `MEMORY` allows; all vectors where they are no more.
        Without it, as many as cost a processor about three seconds for all frames, every vector
        if that is enough, and no fewer than 30 000.
    seed
        Of the shifts of the coarser lattices.
    """
    for wanted in _BUDGETS if budget is None else (budget,):
        plan = _plan(sampling, q_max, wanted, seed)
        if plan.cost_ns(sampling) <= _AFFORDABLE_NS:
            break
    return plan


def _plan(sampling: Sampling, q_max: float, budget: int, seed: int) -> WavePlan:
    volume = float(np.abs(np.linalg.det(sampling.cells)).mean())
    few = volume * q_max**3 / (12.0 * np.pi**2) <= budget
    full = q_max if few else min(q_max, (6.0 * np.pi**2 * budget / volume) ** (1.0 / 3.0))
    first = _shell(sampling, (0.0, full), 1)
    while _bytes(first.way, len(sampling.elements)) > MEMORY:
        full *= 0.9
        first = _shell(sampling, (0.0, full), 1)
    if full == q_max:
        return WavePlan((first,), seed)
    steps = max(1, math.ceil(math.log(q_max / full) / math.log(_GREATEST_STEP)))
    ends = full * (q_max / full) ** (np.arange(steps + 1) / steps)
    ends[-1] = q_max
    further = tuple(
        _thinned(sampling, (float(low), float(high)), (high / full) ** 3)
        for low, high in pairwise(ends)
    )
    return WavePlan((first, *further), seed)


def _thinned(sampling: Sampling, between: tuple[float, float], index: float) -> Shell:
    """Return the lattice of about an index, or of a greater one where memory asks for it."""
    shell = _shell(sampling, between, _prime_below(index))
    while _bytes(shell.way, len(sampling.elements)) > MEMORY:
        shell = _shell(sampling, between, _prime_below(2.0 * shell.index))
    return shell


def _bytes(way: Transform, n_species: int) -> int:
    """Return the memory of a frame: one transform, and the modes of every species, twice."""
    return way.bytes + 32 * n_species * math.prod(way.n_modes)


def _shell(sampling: Sampling, between: tuple[float, float], index: int) -> Shell:
    """Return the lattice of an index whose block is the smallest of a few."""
    cells = sampling.cells
    basis = _sublattice(cells.mean(axis=0), index)
    folded = np.linalg.inv(basis).T @ cells
    most = between[1] * np.linalg.norm(folded, axis=2).max(axis=0) / (2.0 * np.pi)
    # A shift of up to one half along each axis moves the sphere within the block.
    reach = np.floor(most + (0.5 if index > 1 else 0.0) + 1e-9).astype(int)
    extents = (int(reach[0]), int(reach[1]), int(reach[2]))
    typical = max(1, sampling.trajectory.n_atoms // len(sampling.elements))
    return Shell(basis, index, *between, transform(extents, typical, real=index == 1))


def _sublattice(cell: Floats, index: int) -> Integers:
    """Return a basis of one of p reciprocal vectors, (3, 3), the most even one of a few."""
    random = np.random.default_rng(index)
    found, best = np.eye(3, dtype=np.int64), math.inf
    for g0, g1 in random.integers(0, index, size=(_CANDIDATES if index > 1 else 1, 2)):
        # The vectors h with h_2 + g_0 h_0 + g_1 h_1 = 0 modulo p.
        basis = np.array([[1, 0, -g0], [0, 1, -g1], [0, 0, index]])
        folded = np.linalg.inv(basis).T @ cell
        turn = _reduction(folded)
        size = float(((turn @ folded) ** 2).sum())
        if size < best * (1.0 - 1e-9):
            best = size
            found = np.rint(np.linalg.inv(turn).T @ basis).astype(np.int64)
    return found


def _reduction(vectors: Floats) -> Integers:
    """Return whole-number combinations of three vectors that are short, (3, 3).

    Each vector loses whole multiples of another one as long as that makes it shorter.
    """
    turn = np.eye(3)
    short = np.array(vectors, dtype=float)
    for _ in range(100):
        changed = False
        for i, j in permutations(range(3), 2):
            times = np.rint(short[i] @ short[j] / (short[j] @ short[j]))
            shorter = short[i] - times * short[j]
            if shorter @ shorter < (1.0 - 1e-9) * (short[i] @ short[i]):
                short[i] = shorter
                turn[i] -= times * turn[j]
                changed = True
        if not changed:
            break
    return np.rint(turn).astype(np.int64)


def _prime_below(limit: float) -> int:
    """Return the greatest prime up to a limit, at least seven."""
    number = max(_FEWEST_APART, int(limit))
    while any(number % divisor == 0 for divisor in range(2, math.isqrt(number) + 1)):
        number -= 1
    return number


@dataclass(frozen=True, eq=False)
class ShellSums:
    """Sums over the vectors of one shell in one frame, in bins of |Q|.

    Attributes
    ----------
    products
        (n_pairs, n_bins), ``Re rho_a(Q) rho_b(-Q)``, pairs a <= b in order.
    q
        (n_bins,), 1/Å.
    vectors
        (n_bins,).
    """

    products: Floats
    q: Floats
    vectors: Floats


def shell_sums(
    sampling: Sampling,
    snapshot: Snapshot,
    shell: Shell,
    *,
    shift: Integers,
    bins: tuple[int, float],
    threads: int = 1,
) -> ShellSums:
    """Return the sums of ``Re rho_a(Q) rho_b(-Q)`` over the vectors of a shell.

    Parameters
    ----------
    sampling, snapshot
        The atoms.
    shell, shift
        See `Shell`.
    bins
        Their number and width, 1/Å.
    threads
        Of the fast transform.
    """
    waves = _waves(sampling, snapshot, shell, shift, threads)
    n = len(sampling.elements)
    pairs = np.array(list(combinations_with_replacement(range(n), 2)))
    sums = ShellSums(np.zeros((len(pairs), bins[0])), np.zeros(bins[0]), np.zeros(bins[0]))
    back = 2.0 * np.pi * np.linalg.inv(snapshot.cell).T
    block = np.stack([wave.values for wave in waves], axis=-1)
    between = (shell.q_low, shell.q_high, bins[1])
    _add_products(
        block, waves[0].factors, waves[0].start, pairs, shell.basis @ back, shift @ back, between,
        sums.products, sums.q, sums.vectors,
    )  # fmt: skip
    return sums


def _waves(
    sampling: Sampling, snapshot: Snapshot, shell: Shell, shift: Integers, threads: int
) -> list[Modes]:
    found = []
    for start, stop in pairwise(sampling.starts):
        places = snapshot.fractional[:, start:stop]
        turns = np.zeros(stop - start) if shell.way.real else shift @ places
        phases = np.ones(stop - start) if shell.way.real else np.exp(2j * np.pi * (turns % 1.0))
        found.append(modes(shell.basis @ places, phases, shell.way, threads=threads))
    return found


@njit(cache=True, nogil=True, fastmath={"contract"})
def _add_products(
    block: NDArray[np.complex128],
    factors: tuple[Floats, Floats, Floats],
    start: int,
    pairs: Integers,
    back: Floats,
    origin: Floats,
    between: tuple[float, float, float],
    products: Floats,
    q_sum: Floats,
    vectors: Floats,
) -> None:
    """Add the products of the modes of a block to bins of |Q|.

    Hot loop. ``block`` is (n_0, n_1, n_2, n_species); ``back`` and ``origin`` lead from its indices
    to Q; ``between`` is the range of |Q| and the width of a bin. Of real weights, whose block
    starts at zero, one of each Q and -Q counts.
    """
    q_low, q_high, width = between
    n0, n1, n2, _ = block.shape
    for a in range(n0):
        for b in range(n1):
            k0, k1 = a - n0 // 2, b - n1 // 2
            x = origin[0] + k0 * back[0, 0] + k1 * back[1, 0]
            y = origin[1] + k0 * back[0, 1] + k1 * back[1, 1]
            z = origin[2] + k0 * back[0, 2] + k1 * back[1, 2]
            one_side = k1 > 0 or (k1 == 0 and k0 > 0)
            plane = factors[0][a] * factors[1][b]
            for c in range(0 if start < 0 or one_side else 1, n2):
                k2 = c + start
                qx, qy, qz = x + k2 * back[2, 0], y + k2 * back[2, 1], z + k2 * back[2, 2]
                square = qx * qx + qy * qy + qz * qz
                if square > q_high * q_high or square <= q_low * q_low:
                    continue
                q = np.sqrt(square)
                place = int(q / width)
                if place >= len(q_sum):
                    continue
                height = (plane * factors[2][c]) ** 2
                q_sum[place] += q
                vectors[place] += 1.0
                for pair in range(len(pairs)):
                    one, two = block[a, b, c, pairs[pair, 0]], block[a, b, c, pairs[pair, 1]]
                    real = one.real * two.real + one.imag * two.imag
                    products[pair, place] += height * real
