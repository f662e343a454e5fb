"""How fast and in which way molecular ions turn: correlation times, steps, libration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.rotation.attitude_kernels import (
    add_rotations,
    add_squares,
    add_vectors,
    turned,
)
from vitrolyte.observe.rotation.attitudes import Turning, turnings
from vitrolyte.observe.rotation.bonds import RotorSearch
from vitrolyte.observe.rotation.molecules import Life, Rotors, find_rotors
from vitrolyte.observe.rotation.relaxation import (
    BLOCKS,
    Decay,
    Sums,
    blocks_of,
    counted,
    decay,
    lags_of,
    stride_of,
)
from vitrolyte.observe.rotation.steps import StepRule, Walk, judged, libration, walk
from vitrolyte.observe.rotation.steps import counted as counted_steps
from vitrolyte.observe.rotation.turning import rotational_diffusivity
from vitrolyte.observe.tracks import time_step

Floats = NDArray[np.float64]

CITATIONS = (
    "10.1107/S0567739476001873",
    "10.1103/PhysRevE.76.031203",
    "10.1021/ja00381a009",
)
BOND, BODY = ("C1", "C2"), ("rotation C1", "rotation C2")
"""Correlation functions of the bonds, and of the rotation of the body."""

_MOST_SORTS = 6
_MOST_STAYING = 0.5
_TIME = Axis("time", "ps")
_CORRELATION = Axis("orientation correlation", "")
_SQUARE = Axis("mean square turned angle", "rad²")
_ANGLE = Axis("angle of the step", "°")
_DENSITY = Axis("probability density", "1/°")
_EDGES = np.linspace(0.0, 180.0, 61)


@dataclass(frozen=True)
class RotationSettings:
    """What a rotor is, and what a step of rotation is."""

    search: RotorSearch = field(default_factory=RotorSearch)
    steps: StepRule = field(default_factory=StepRule)


@dataclass(frozen=True, eq=False)
class RotorMotion(Result):
    """How one sort of rotor turns.

    Attributes
    ----------
    rotor
        Formula.
    number
        Rotors that lasted long enough.
    whole_fraction
        Share of those of the first frame that lasted to the end with the same atoms.
    correlation_times
        Integral of the decay, s, by function: ``C1`` and ``C2`` of the bonds; where the rotor is
        not linear also ``rotation C1`` and ``rotation C2`` of the body.
    fitted_times
        Mean time of the stretched exponential behind the libration, s.
    exponents
        Its stretching exponent.
    plateaus
        What does not decay in the run.
    after_libration
        What the fast libration leaves of the correlation.
    step_rate
        Steps of rotation per rotor, 1/s.
    step_angle
        Mean angle of the steps, degrees.
    libration
        Root mean square angle between the steps, degrees.
    diffusivity
        Rotational diffusivity from the turned angle, 1/s.
    correlations, turned_angle, step_angles
        The functions behind the numbers.
    method, note
        In words.
    """

    rotor: str
    number: int
    whole_fraction: Quantity
    correlation_times: Mapping[str, Quantity]
    fitted_times: Mapping[str, Quantity]
    exponents: Mapping[str, Quantity]
    plateaus: Mapping[str, Quantity]
    after_libration: Mapping[str, Quantity]
    step_rate: Quantity
    step_angle: Quantity
    libration: Quantity
    diffusivity: Quantity
    correlations: CurveSet
    turned_angle: CurveSet
    step_angles: CurveSet
    method: str
    note: str

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return times, steps, libration and diffusivity."""
        rows = [
            computed(
                sample, "intact_fraction", self.whole_fraction, of=self.rotor, method=self.method
            )
        ]
        tables = (
            ("correlation_time", self.correlation_times, "integral of the decay"),
            ("correlation_time", self.fitted_times, "mean of a stretched exponential"),
            ("stretching_exponent", self.exponents, "stretched exponential"),
            ("orientation_plateau", self.plateaus, "mean over the last lags"),
            ("order_after_libration", self.after_libration, "stretched exponential at time zero"),
        )
        for word, table, how in tables:
            for name, number in table.items():
                rows.append(computed(sample, word, number, of=f"{self.rotor} {name}", method=how))
        single = (
            ("jump_rate", self.step_rate, "rotation", "steps of rotation"),
            ("rotation_step_angle", self.step_angle, "", "between mean orientations"),
            ("librational_amplitude", self.libration, "", "r.m.s. angle between steps"),
            ("rotational_diffusivity", self.diffusivity, "", "mean square turned angle"),
        )
        for word, number, kind, how in single:
            of = f"{self.rotor} {kind}".strip()
            rows.append(computed(sample, word, number, of=of, method=how))
        return tuple(rows)


@dataclass(frozen=True, eq=False)
class Rotation(Result):
    """How all sorts of rotors turn, by formula, the most abundant first."""

    rotors: Mapping[str, RotorMotion]

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the rows of every sort of rotor."""
        return tuple(row for one in self.rotors.values() for row in one.observations(sample))


def rotation(trajectory: Trajectory, settings: RotationSettings | None = None) -> Rotation:
    r"""Return how molecular ions turn.

    Of a bond with unit vector u, :math:`C_l(t) = \langle P_l[u(0) \cdot u(t)] \rangle` over all
    time origins, bonds and rotors; of the body turned by the angle :math:`\theta` in t,
    :math:`C_l(t) = \langle \sin[(2l+1)\theta/2] / \sin(\theta/2) \rangle / (2l+1)`. Both are
    :math:`\exp[-l(l+1) D_r t]` for isotropic rotational diffusion.

    Parameters
    ----------
    trajectory
        Streamed, at equal time steps; any cell, also one that changes.
    settings
        Which rotors, and what counts as a step.

    Raises
    ------
    InputError
        If there are no rotors, or frames are not at equal time steps.

    References
    ----------
    Lipari & Szabo, J. Am. Chem. Soc. 104, 4546 (1982), doi:10.1021/ja00381a009; Mazza et al.,
    Phys. Rev. E 76, 031203 (2007), doi:10.1103/PhysRevE.76.031203.
    """
    settings = settings or RotationSettings()
    step_ps = time_step(trajectory)
    rotors = find_rotors(trajectory, settings.search)
    found = {}
    for name in rotors.names[:_MOST_SORTS]:
        lives = rotors.of(name)
        sums = RotorSums(lives, trajectory.n_frames, step_ps, settings)
        for turning in turnings(rotors, lives, memory_MB=settings.search.memory_MB):
            sums.add(turning)
        found[name] = sums.result(rotors)
    return Rotation(found)


class RotorSums:
    """Sums over all rotors of one sort, one rotor at a time.

    Parameters
    ----------
    lives
        Of all the rotors that will be added.
    n_frames
        Of the run.
    step_ps
        Between frames.
    settings
        What a step of rotation is.
    """

    def __init__(
        self, lives: Sequence[Life], n_frames: int, step_ps: float, settings: RotationSettings
    ) -> None:
        self.lives, self.n_frames = lives, n_frames
        self.settings, self.step_ps = settings, step_ps
        self.lags = lags_of(max(life.frames for life in lives))
        self.sums: dict[str, Sums] = {}
        self.paths = Sums(self.lags, step_ps, len(lives))
        self.walks: list[Walk] = []
        self.linear = True

    def add(self, turning: Turning) -> None:
        """Add one rotor."""
        life = turning.life
        stride = stride_of(life.frames)
        blocks = blocks_of(life.first, life.stop, self.n_frames)
        counts = counted(life.frames, self.lags, blocks, stride)
        sums = np.zeros((2, BLOCKS, len(self.lags)))
        add_vectors(turning.bonds, self.lags, blocks, stride, sums)
        self._take(BOND, turning.number, sums, counts)
        if not turning.is_linear:
            sums = np.zeros((2, BLOCKS, len(self.lags)))
            add_rotations(turning.attitude, self.lags, blocks, stride, sums)
            self._take(BODY, turning.number, sums, counts)
            self.linear = False
        squares = np.zeros((BLOCKS, len(self.lags)))
        add_squares(turned(turning.attitude), self.lags, blocks, stride, squares)
        self.paths.add(turning.number, squares, counts)
        self.walks.append(walk(turning.attitude, self.settings.steps, self.step_ps))

    def _take(self, names: tuple[str, str], number: int, sums: Floats, counts: Floats) -> None:
        for name, part in zip(names, sums):
            if name not in self.sums:
                self.sums[name] = Sums(self.lags, self.step_ps, len(self.lives))
            self.sums[name].add(number, part, counts)

    def result(self, rotors: Rotors) -> RotorMotion:
        """Return what the sums say; the rotors tell how they were found and what became of them."""
        name = self.lives[0].name
        rule = self.settings.steps
        decays = {name: decay(sums, libration_ps=rule.stay_ps) for name, sums in self.sums.items()}
        spans = [(life.first, life.stop) for life in self.lives]
        steps = counted_steps(self.walks, spans, self.n_frames, rule, self.step_ps)
        angles = np.concatenate([one.angles for one in self.walks])
        return RotorMotion(
            rotor=name,
            number=len(self.lives),
            whole_fraction=_whole(rotors, name),
            correlation_times=_with_ratio({n: d.integrated for n, d in decays.items()}),
            fitted_times={n: d.fitted for n, d in decays.items()},
            exponents={n: d.exponent for n, d in decays.items()},
            plateaus={n: d.plateau for n, d in decays.items()},
            after_libration={n: d.after_libration for n, d in decays.items()},
            step_rate=judged(steps.rate(), self.walks, rule, self.step_ps),
            step_angle=_mean_angle(self.walks),
            libration=libration(self.walks, rule),
            diffusivity=self._diffusivity(decays),
            correlations=CurveSet(
                f"Orientation of {name}",
                tuple(_curve(sums, name, _CORRELATION) for name, sums in self.sums.items()),
                log_x=True,
            ),
            turned_angle=CurveSet(
                f"Turned angle of {name}",
                (_curve(self.paths, name, _SQUARE),),
                log_x=True,
                log_y=True,
            ),
            step_angles=_histogram(name, angles),
            method=f"{rotors.bonds.method}; {rule.method(self.step_ps)}",
            note=rotors.note(name),
        )

    def _diffusivity(self, decays: Mapping[str, Decay]) -> Quantity:
        found = rotational_diffusivity(self.paths, 2 if self.linear else 3)
        main = decays[BOND[0] if self.linear else BODY[0]]
        stays = main.plateau.value
        # Swings that do not close add up to a slow turn although the orientation stays.
        if stays > _MOST_STAYING:
            return Quantity.refused(
                "1/s", f"the turned angle grows by libration: {stays:.2f} of the orientation stays"
            )
        if main.integrated.status == "refused" or main.plateau.low > 0:
            return found.provisional(
                f"{stays:.2f} of the orientation stays in the run; libration adds to the angle"
            )
        return found


def _whole(rotors: Rotors, name: str) -> Quantity:
    start = rotors.starting.get(name, 0)
    if not start:
        return Quantity.refused("1", f"no {name} in the first frame")
    kept = start - rotors.broken.get(name, 0)
    return Quantity(kept / start, "1", note=rotors.note(name))


def _with_ratio(times: Mapping[str, Quantity]) -> dict[str, Quantity]:
    """Return the times; the note of each C2 says what the ratio to C1 tells."""
    found = dict(times)
    for first, second in (BOND, BODY):
        if first in times and "refused" not in (times[first].status, times[second].status):
            ratio = times[first].value / times[second].value
            note = f"C1 lasts {ratio:.2f} times as long (3 for small steps, 1 for large ones)"
            old = times[second]
            note = f"{old.note}; {note}" if old.note else note
            found[second] = Quantity(
                old.value, old.unit, old.error, old.low, old.high, old.status, note
            )
    return found


def _mean_angle(walks: Sequence[Walk]) -> Quantity:
    """Return the mean angle of the steps; its error from rotors as units."""
    rotors = [one.angles for one in walks if len(one.angles)]
    if not rotors:
        return Quantity.refused("°", "no step of rotation")
    angles = np.concatenate(rotors)
    value = float(angles.mean())
    if len(rotors) < 6:
        return Quantity(value, "°").provisional(f"only {len(rotors)} rotors made a step")
    # Ratio estimator: each rotor brings its sum and its number of steps.
    left = np.array([(angles.sum() - a.sum()) / (len(angles) - len(a)) for a in rotors])
    error = float(np.sqrt((len(left) - 1) * left.var()))
    return Quantity.normal(value, error, "°")


def _curve(sums: Sums, label: str, axis: Axis) -> Curve:
    shown = slice(1, None)
    return Curve(
        sums.times[shown], sums.mean[shown], _TIME, axis, sums.errors()[shown], label=label
    )


def _histogram(name: str, angles: Floats) -> CurveSet:
    width = _EDGES[1] - _EDGES[0]
    density = np.histogram(angles, _EDGES)[0] / max(1.0, len(angles) * width)
    middles = (_EDGES[1:] + _EDGES[:-1]) / 2.0
    curve = Curve(middles, density, _ANGLE, _DENSITY, label=name)
    return CurveSet(f"Angles of the steps of {name}", (curve,))
