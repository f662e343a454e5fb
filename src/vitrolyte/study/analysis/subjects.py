"""What can be looked at in a trajectory: what each subject needs and how its step is set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from vitrolyte.data.errors import InputError
from vitrolyte.study.analysis.request import Analysis

Plain = dict[str, Any]


def _nothing(request: Analysis) -> Plain:
    del request
    return {}


def _shells(request: Analysis) -> Plain:
    return {"cut_offs_A": dict(request.cut_offs_A)} if request.cut_offs_A else {}


def _structure(request: Analysis) -> Plain:
    wave = {} if request.wavelength_A is None else {"wavelength_A": request.wavelength_A}
    return {**_shells(request), **wave}


def _absorber(request: Analysis) -> Plain:
    return {"absorber": request.absorber}


def _bonds(request: Analysis) -> Plain:
    return {"bonds": list(request.bonds)}


def _rotors(request: Analysis) -> Plain:
    first = {"mobile": request.mobile[0]} if request.mobile else {}
    return {**first, "rotor": request.rotor or "", **_shells(request)}


def nmr_conditions(request: Analysis) -> Plain:
    """Return the settings that say at which fields and spin-locks relaxation is wanted."""
    fields = {"fields_T": list(request.fields_T)} if request.fields_T else {}
    locks = {"spin_locks_kHz": list(request.spin_locks_kHz)} if request.spin_locks_kHz else {}
    return {**fields, **locks}


def _nuclei(request: Analysis) -> Plain:
    return {"nuclei": list(request.nuclei), **nmr_conditions(request)}


@dataclass(frozen=True)
class Subject:
    """Something that can be looked at.

    Attributes
    ----------
    name
        Also that of its recipe.
    needs
        Options without which there is nothing to look at.
    takes
        Runs of one state together (``all``) or each for itself (``each``).
    settings
        Settings of its step from what was asked.
    ions
        Needs more than one element.
    moving
        Needs frames at known times and paths that can be followed.
    by_name
        Only done when it is asked for by name.
    each_mobile
        One step for each mobile element.
    """

    name: str
    needs: tuple[str, ...] = ()
    takes: Literal["each", "all"] = "all"
    settings: Callable[[Analysis], Plain] = _nothing
    ions: bool = False
    moving: bool = False
    by_name: bool = False
    each_mobile: bool = False

    def possible(self, request: Analysis, *, elements: int, timed: bool) -> bool:
        """Say whether it is looked at where nothing is asked for by name."""
        return (
            not self.by_name
            and (elements > 1 or not self.ions)
            and (timed or not self.moving)
            and not self.missing(request)
        )

    def missing(self, request: Analysis) -> tuple[str, ...]:
        """Return the options that it needs and has not got."""
        return tuple(option for option in self.needs if not getattr(request, option))

    def steps(self, request: Analysis) -> Mapping[str, Plain]:
        """Return the settings of its steps, without their sources, by name."""
        plain = {"recipe": self.name, **self.settings(request)}
        if not self.each_mobile:
            return {self.name: plain}
        if len(request.mobile) == 1:
            return {self.name: {**plain, "mobile": request.mobile[0]}}
        return {f"{self.name}-{one}": {**plain, "mobile": one} for one in request.mobile}


ALL = (
    Subject("structure", settings=_structure),
    Subject("total-scattering"),
    Subject("polyhedra", settings=_shells, ions=True),
    Subject("network", settings=_shells, ions=True),
    Subject("environments", ("mobile",), settings=_shells, ions=True, each_mobile=True),
    Subject("voids", settings=lambda request: {"without": list(request.mobile)}),
    Subject("density-map", ("mobile", "temperature_K"), "each", moving=True, each_mobile=True),
    Subject("first-shells", ("absorber",), settings=lambda r: {**_shells(r), **_absorber(r)}),
    Subject("exafs", ("absorber",), "each", settings=_absorber, by_name=True),
    Subject("transport", ("temperature_K",), "each", moving=True),
    Subject("anisotropy", ("temperature_K",), "each", moving=True, by_name=True),
    Subject("van-hove", takes="each", moving=True),
    Subject("intermediate-scattering", takes="each", moving=True),
    Subject("vibration", takes="each", settings=_bonds, moving=True),
    Subject("hops", ("mobile",), "each", moving=True, each_mobile=True),
    Subject("rotation", takes="each", settings=_rotors, moving=True),
    Subject("relaxation", ("nuclei",), "each", settings=_nuclei, moving=True),
)
"""Everything that can be looked at, in the order in which it is done."""


def chosen(request: Analysis, *, elements: int, timed: bool) -> tuple[Subject, ...]:
    """Return what is looked at: what was asked for, else everything that is possible.

    Raises
    ------
    InputError
        If something unknown is asked for, or something without the options that it needs.
    """
    names = [subject.name for subject in ALL]
    unknown = [name for name in request.observe if name not in names]
    if unknown:
        raise InputError(
            f"What can be looked at is {', '.join(names)}", received=", ".join(unknown)
        )
    if not request.observe:
        return tuple(one for one in ALL if one.possible(request, elements=elements, timed=timed))
    asked = tuple(one for one in ALL if one.name in request.observe)
    for subject in asked:
        _require(subject.missing(request), subject)
    return asked


def _require(missing: Sequence[str], subject: Subject) -> None:
    if missing:
        option = missing[0].replace("_", "-")
        raise InputError(f"{subject.name} needs the option --{option}", received="none")
