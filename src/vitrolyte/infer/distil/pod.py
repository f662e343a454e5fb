"""The student: proper orthogonal descriptors fitted by LAMMPS, with cores laid over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vitrolyte.data.errors import EngineError
from vitrolyte.infer.distil.config import PodSettings
from vitrolyte.infer.distil.cores import Cores
from vitrolyte.infer.distil.engine import run_lammps
from vitrolyte.potentials.potential import LammpsPair
from vitrolyte.potentials.teacher import Example

PARAMETERS = "student_param.pod"
COEFFICIENTS = "student_coeff.pod"


@dataclass(frozen=True)
class Student:
    """A fitted student: its elements, cores and the two files that LAMMPS reads."""

    elements: tuple[str, ...]
    cores: Cores
    parameters: Path
    coefficients: Path

    def pair(self) -> LammpsPair:
        """Say how LAMMPS evaluates it."""
        return LammpsPair(
            units="metal",
            atom_style="atomic",
            files=(self.parameters, self.coefficients),
            commands=pair_commands(self.elements, self.cores),
        )


def fit_student(
    examples: Sequence[Example],
    elements: tuple[str, ...],
    *,
    settings: PodSettings,
    cores: Cores,
    folder: Path,
    ranks: int = 1,
) -> Student:
    """Fit the linear POD model to the examples, less what the cores contribute.

    Least squares over energies per atom and force components with the weights of the settings.
    N. C. Nguyen, J. Comput. Phys. 480, 112030 (2023), doi:10.1016/j.jcp.2023.112030.

    A folder in which the same fit was finished before is read and not fitted again.

    Raises
    ------
    EngineError
        The fit did not leave its coefficients behind.
    """
    student = Student(elements, cores, folder / PARAMETERS, folder / COEFFICIENTS)
    inputs = {
        "set/all.xyz": "".join(extended_xyz(example, cores) for example in examples),
        PARAMETERS: parameter_file(elements, settings),
        "data.pod": data_settings(settings),
    }
    if not (student.coefficients.is_file() and _holds(folder, inputs)):
        _carry_out(folder, inputs, ranks)
    return student


def _holds(folder: Path, inputs: Mapping[str, str]) -> bool:
    """Say whether a folder was left by a fit of exactly these inputs."""
    paths = {folder / name: text for name, text in inputs.items()}
    return all(p.is_file() and p.read_text("ascii") == text for p, text in paths.items())


def _carry_out(folder: Path, inputs: Mapping[str, str], ranks: int) -> None:
    (folder / "set").mkdir(parents=True, exist_ok=True)
    (folder / COEFFICIENTS).unlink(missing_ok=True)
    for name, text in inputs.items():
        (folder / name).write_text(text, encoding="ascii")
    script = folder / "fit.in"
    script.write_text(f"units metal\nfitpod {PARAMETERS} data.pod\n", encoding="ascii")
    run_lammps(script, ranks=ranks)
    written = sorted(folder.glob("*coefficients*.pod"))
    if not written:
        raise EngineError("A fit that writes its coefficients", folder=folder)
    written[0].replace(folder / COEFFICIENTS)


def pair_commands(elements: Sequence[str], cores: Cores) -> tuple[str, ...]:
    """Write the ``pair_style`` and ``pair_coeff`` lines of a student with cores."""
    lines = ["pair_style hybrid/overlay pod" + _core_styles(cores)]
    lines.append(f"pair_coeff * * pod {PARAMETERS} {COEFFICIENTS} {' '.join(elements)}")
    for number, (name, core) in enumerate(cores.pairs.items(), start=1):
        i, j = sorted(elements.index(symbol) + 1 for symbol in name.split("-"))
        which = f" {number}" if len(cores.pairs) > 1 else ""
        lines.append(f"pair_coeff {i} {j} zbl{which} {core.charges[0]} {core.charges[1]}")
    return tuple(lines)


def extended_xyz(example: Example, cores: Cores) -> str:
    """Write one example less its cores as extended XYZ, stress as a virial-free 3x3 tensor."""
    snapshot, label = example.snapshot, example.label
    core = cores.label(snapshot)
    cell = " ".join(f"{x:.10f}" for x in snapshot.cell.ravel())
    stress = " ".join(f"{x:.8f}" for x in (label.stress - core.stress).ravel())
    head = (
        f'Lattice="{cell}" Properties=species:S:1:pos:R:3:forces:R:3 '
        f'energy={label.energy - core.energy:.10f} stress="{stress}" pbc="T T T"'
    )
    lines = [str(len(snapshot.species)), head]
    for symbol, r, f in zip(snapshot.species, snapshot.positions, label.forces - core.forces):
        numbers = " ".join(f"{x:.10f}" for x in (*r, *f))
        lines.append(f"{symbol} {numbers}")
    return "\n".join(lines) + "\n"


def parameter_file(elements: Sequence[str], settings: PodSettings) -> str:
    """Write the descriptor settings that both the fit and the pair style read."""
    return "\n".join(
        [
            f"species {' '.join(elements)}",
            "pbc 1 1 1",
            f"rin {settings.inner_A}",
            f"rcut {settings.cutoff_A}",
            f"bessel_polynomial_degree {settings.bessel_degree}",
            f"inverse_polynomial_degree {settings.inverse_degree}",
            "onebody 1",
            f"twobody_number_radial_basis_functions {settings.two_body}",
            f"threebody_number_radial_basis_functions {settings.three_body}",
            f"threebody_angular_degree {settings.three_body_angular}",
            f"fourbody_number_radial_basis_functions {settings.four_body}",
            f"fourbody_angular_degree {settings.four_body_angular}",
            "fivebody_number_radial_basis_functions 0",
            "fivebody_angular_degree 0",
            "sixbody_number_radial_basis_functions 0",
            "sixbody_angular_degree 0",
            "sevenbody_number_radial_basis_functions 0",
            "sevenbody_angular_degree 0",
            "",
        ]
    )


def data_settings(settings: PodSettings) -> str:
    """Write the settings of the least-squares fit."""
    return "\n".join(
        [
            "file_format extxyz",
            "file_extension xyz",
            'path_to_training_data_set "set"',
            'path_to_test_data_set "set"',
            f"fitting_weight_energy {settings.energy_weight}",
            f"fitting_weight_force {settings.force_weight}",
            "error_analysis_for_training_data_set 0",
            "error_analysis_for_test_data_set 0",
            "basename_for_output_files student",
            "",
        ]
    )


def _core_styles(cores: Cores) -> str:
    return "".join(f" zbl {core.inner} {core.outer}" for core in cores.pairs.values())
