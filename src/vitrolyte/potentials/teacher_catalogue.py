"""Teachers known by name: their weights come with their packages, and nothing is downloaded."""

from __future__ import annotations

import difflib
import hashlib
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from ase.data import atomic_numbers, chemical_symbols, covalent_radii

from vitrolyte.data.errors import InputError
from vitrolyte.data.origin import canonical_json
from vitrolyte.potentials.potential import Potential
from vitrolyte.potentials.teacher import TeacherSpec

PYTHON_VARIABLE = "VITROLYTE_TEACHER_PYTHON"
PROBE = Path(__file__).with_name("teacher_probe.py")

_PROBE_S = 60.0
_UNTRAINED = {"Po", "At", "Rn", "Fr", "Ra"}
MPTRJ_ELEMENTS = tuple(s for s in chemical_symbols[1:95] if s not in _UNTRAINED)
"""The 89 elements of the data set that all named teachers were trained on (Deng et al. 2023,
doi:10.1038/s42256-023-00716-3)."""

_TIMESTEP_FS = 2.0
_CLOSEST = 0.6


@dataclass(frozen=True)
class KnownTeacher:
    """A teacher whose weights come with its package.

    Attributes
    ----------
    name
        What users call it.
    package
        What ``pip install`` takes; also the module that holds it.
    calculator, arguments, device_argument
        The ASE calculator, as for `TeacherSpec`.
    weights
        File inside the package.
    citation
        DOI.
    what
        One line for a list.
    """

    name: str
    package: str
    calculator: str
    arguments: Mapping[str, Any]
    device_argument: str
    weights: str
    citation: str
    what: str


def _sevennet(name: str, weights: str, citation: str, what: str, modal: str = "") -> KnownTeacher:
    model = name.removesuffix(f"-{modal.lower()}") if modal else name
    return KnownTeacher(
        name=name,
        package="sevenn",
        calculator="sevenn.calculator:SevenNetCalculator",
        arguments={"model": model} | ({"modal": modal} if modal else {}),
        device_argument="device",
        weights=f"pretrained_potentials/{weights}",
        citation=citation,
        what=what,
    )


_PARK_2024 = "10.1021/acs.jctc.4c00190"
_KIM_2024 = "10.1021/jacs.4c14455"
_MF_0 = "SevenNet_MF_0/checkpoint_sevennet_mf_0.pth"

KNOWN: tuple[KnownTeacher, ...] = (
    _sevennet(
        "7net-0",
        "SevenNet_0__11Jul2024/checkpoint_sevennet_0.pth",
        _PARK_2024,
        "SevenNet-0 (11 July 2024), PBE(+U)",
    ),
    _sevennet(
        "7net-l3i5",
        "SevenNet_l3i5/checkpoint_l3i5.pth",
        _PARK_2024,
        "SevenNet-l3i5, more accurate and slower, PBE(+U)",
    ),
    _sevennet("7net-mf-0-pbe", _MF_0, _KIM_2024, "SevenNet-MF-0, its PBE(+U) head", "PBE"),
    _sevennet("7net-mf-0-r2scan", _MF_0, _KIM_2024, "SevenNet-MF-0, its r2SCAN head", "R2SCAN"),
    KnownTeacher(
        name="chgnet",
        package="chgnet",
        calculator="chgnet.model.dynamics:CHGNetCalculator",
        arguments={"on_isolated_atoms": "ignore"},
        device_argument="use_device",
        weights="pretrained/0.3.0/chgnet_0.3.0_e29f68s314m37.pth.tar",
        citation="10.1038/s42256-023-00716-3",
        what="CHGNet 0.3.0, PBE(+U)",
    ),
)

_TO_DOWNLOAD = ("7net-omni", "7net-omni-i8", "7net-omni-i12", "7net-mf-ompa", "7net-omat")


def known_teacher(name: str) -> KnownTeacher:
    """Return a teacher of the catalogue.

    Raises
    ------
    InputError
        If there is none of that name, or its weights would have to be downloaded.
    """
    for known in KNOWN:
        if known.name == name:
            return known
    names = [known.name for known in KNOWN]
    if name in _TO_DOWNLOAD:
        raise InputError(
            "The weights of a teacher must come with its package; nothing is downloaded",
            received=f"{name}, whose weights do not",
            remedy="choose one of " + ", ".join(names) + ", or download the weights yourself and "
            'give calculator = "sevenn.calculator:SevenNetCalculator" with model = "PATH"',
        )
    near = difflib.get_close_matches(name, names, n=1)
    raise InputError(
        "The name of a known teacher, or module:Class of an ASE calculator",
        received=repr(name),
        remedy=f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names)}",
    )


def interpreters() -> tuple[Path, ...]:
    """Return where teachers are looked for: ``$VITROLYTE_TEACHER_PYTHON``, else the one running.

    The variable names one Python interpreter, or several separated as in ``$PATH``: teachers that
    exclude one another live in environments of their own.
    """
    named = os.environ.get(PYTHON_VARIABLE, "").split(os.pathsep)
    return tuple(Path(path).expanduser() for path in named if path) or (Path(sys.executable),)


def default_python() -> Path:
    """Return the first of the `interpreters`."""
    return interpreters()[0]


def teacher_named(
    name: str, *, python: Path | str | None = None, device: str = "auto"
) -> TeacherSpec:
    """Return how a known teacher is started, or any ASE calculator named ``module:Class``.

    Parameters
    ----------
    name
        ``7net-0``, ``7net-l3i5``, ``7net-mf-0-pbe``, ``7net-mf-0-r2scan``, ``chgnet``, or
        ``module:Class``.
    python
        The interpreter of the teacher's environment; where left out, the first of `interpreters`
        that has the teacher.
    device
        ``auto`` (a GPU where the teacher sees one), ``cpu``, ``cuda`` ...

    Raises
    ------
    InputError
        As for `known_teacher`.
    """
    candidates = interpreters() if python is None else (Path(python),)
    specs = [_spec(name, candidate, device) for candidate in candidates]
    if len(specs) == 1:
        return specs[0]
    return next((spec for spec in specs if installed(spec).ok), specs[0])


def _spec(name: str, python: Path, device: str) -> TeacherSpec:
    if ":" in name:
        return TeacherSpec(name, name, {}, python, threads=0, citation="", device=device)
    known = known_teacher(name)
    return TeacherSpec(
        name=known.name,
        calculator=known.calculator,
        arguments=known.arguments,
        python=python,
        threads=0,
        citation=known.citation,
        device=device,
        device_argument=known.device_argument,
        elements=MPTRJ_ELEMENTS,
    )


@dataclass(frozen=True)
class Installation:
    """What an interpreter has of a teacher.

    Attributes
    ----------
    python
        The interpreter.
    version
        Of the teacher's package; empty where that is missing.
    weights, sha256
        Path and hash of the weights; empty where there are none in the package.
    remedy
        What to do about what is missing; empty where nothing is.
    """

    python: Path
    version: str
    weights: str
    sha256: str
    remedy: str

    @property
    def ok(self) -> bool:
        """Say whether everything is there."""
        return not self.remedy


def installed(spec: TeacherSpec) -> Installation:
    """Look for a teacher in its interpreter, without loading it."""
    module = spec.calculator.partition(":")[0].partition(".")[0]
    known = next((one for one in KNOWN if one.name == spec.name), None)
    try:
        found = _probed(str(spec.python), module, known.weights if known is not None else "-")
    except (OSError, subprocess.SubprocessError, ValueError) as fault:
        remedy = f"name a Python interpreter with --teacher-python ({fault})"
        return Installation(spec.python, "", "", "", remedy)
    version, weights, sha256 = (found[key] or "" for key in ("version", "weights", "sha256"))
    remedy = ""
    if not version:
        remedy = f"{spec.python} -m pip install torch {known.package if known else module}"
    elif known is not None and not weights:
        remedy = f"{spec.python} -m pip install --upgrade {known.package}"
    return Installation(spec.python, version, weights, sha256, remedy)


@cache
def _probed(python: str, module: str, weights: str) -> Mapping[str, str | None]:
    command = [python, "-W", "ignore", str(PROBE), module, weights]
    done = subprocess.run(command, capture_output=True, timeout=_PROBE_S, check=True)
    found: dict[str, str | None] = json.loads(done.stdout.splitlines()[-1])
    return found


def require_installed(spec: TeacherSpec) -> Installation:
    """Return what the interpreter has of a teacher.

    Raises
    ------
    InputError
        If package or weights are missing; names the command that installs them.
    """
    found = installed(spec)
    if not found.ok:
        raise InputError(
            f"The teacher {spec.name} must be installed with its weights",
            received=f"not so in {spec.python}",
            remedy=found.remedy,
        )
    return found


def digest(spec: TeacherSpec) -> str:
    """Return what makes a teacher this teacher: SHA-256 over all that its answers depend on.

    That is name, calculator, arguments, version of the package, weights, and the content of every
    file that an argument names; not the interpreter's place, the device or the threads.

    Raises
    ------
    InputError
        If it is not installed.
    """
    found = require_installed(spec)
    files = {
        key: hashlib.sha256(Path(value).read_bytes()).hexdigest()
        for key, value in spec.arguments.items()
        if isinstance(value, str) and Path(value).is_file()
    }
    arguments = {key: files.get(key, value) for key, value in spec.arguments.items()}
    content = [spec.name, spec.calculator, arguments, found.version, found.sha256]
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def teacher_potential(spec: TeacherSpec, *, timestep_fs: float = _TIMESTEP_FS) -> Potential:
    """Return a teacher as a potential, so that it can drive a run itself.

    A run stops where a pair comes closer than 0.6 of the sum of its covalent radii (Cordero et al.
    2008, doi:10.1039/b801115j): our choice, well below any bond, since nobody publishes how close
    universal potentials can be trusted.

    Parameters
    ----------
    spec
        The teacher, with the elements that it covers.
    timestep_fs
        Largest time step allowed; 0.5 fs is advisable where there is hydrogen.

    Raises
    ------
    InputError
        If the teacher is not installed, or its elements are not given.
    """
    if not spec.elements:
        raise InputError(
            f"The elements of the teacher {spec.name} must be known to run with it",
            received="none",
            remedy="give `elements` of the TeacherSpec",
        )
    return Potential(
        name=spec.name,
        kind="teacher",
        elements=spec.elements,
        lammps=None,
        safe_distances=_safe_distances(spec.elements),
        timestep_fs=timestep_fs,
        card=None,
        citations=(spec.citation,) if spec.citation else (),
        digest=digest(spec),
        teacher=spec,
    )


def _safe_distances(elements: tuple[str, ...]) -> dict[str, float]:
    radii = {symbol: float(covalent_radii[atomic_numbers[symbol]]) for symbol in elements}
    pairs = itertools.combinations_with_replacement(elements, 2)
    return {f"{a}-{b}": round(_CLOSEST * (radii[a] + radii[b]), 3) for a, b in pairs}


def with_threads(spec: TeacherSpec, threads: int) -> TeacherSpec:
    """Return a teacher that leaves its threads open with so many; any other as it is."""
    return replace(spec, threads=threads) if spec.threads == 0 else spec
