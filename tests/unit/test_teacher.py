"""The pipe to a teacher, with small calculators as teachers, some of them faulty on purpose."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.lj import LennardJones
from ase.io import read

from vitrolyte.data.errors import EngineError, InputError
from vitrolyte.potentials.teacher import (
    Label,
    Patience,
    Snapshot,
    Teacher,
    TeacherRun,
    TeacherSpec,
    is_sane,
    objection,
    processors,
    team,
)
from vitrolyte.potentials.teacher_catalogue import (
    KNOWN,
    MPTRJ_ELEMENTS,
    PYTHON_VARIABLE,
    digest,
    installed,
    require_installed,
    teacher_named,
    teacher_potential,
)
from vitrolyte.potentials.teacher_worker import covered, packed, unpacked

ARGUMENTS = {"sigma": 2.5, "epsilon": 0.05, "rc": 6.0}
FAKES = Path(__file__).parents[1] / "contracts" / "teachers"


def spec(**changes) -> TeacherSpec:
    values = {
        "name": "lennard-jones",
        "calculator": "ase.calculators.lj:LennardJones",
        "arguments": ARGUMENTS,
        "python": Path(sys.executable),
        "threads": 0,
        "citation": "",
    }
    return TeacherSpec(**(values | changes))


def faulty(folder: Path, *faults: str) -> TeacherSpec:
    for number, fault in enumerate(faults):
        (folder / f"fault-{number}").write_text(fault)
    return spec(calculator="fake_teacher:Faulty", arguments={"marks": str(folder)})


@pytest.fixture
def _fakes(monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(FAKES))


def shaken_argon() -> Snapshot:
    cell = np.array([[6.0, 0, 0], [1.0, 6.0, 0], [0.5, -0.7, 6.5]])
    grid = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) / 2
    shaken = grid @ cell + np.random.default_rng(2).normal(scale=0.1, size=(8, 3))
    return Snapshot(("Ar",) * 8, shaken, cell)


@pytest.fixture
def argon() -> Snapshot:
    return shaken_argon()


@pytest.fixture
def wide() -> Snapshot:
    """A pair in a cell wide enough for the nearest images of the fake teachers."""
    return Snapshot(("Ar", "Ar"), np.array([[0.0, 0, 0], [3.6, 0.5, 0]]), 17 * np.eye(3))


@pytest.fixture(scope="module")
def teacher() -> Iterator[Teacher]:
    with Teacher(spec()) as started:
        yield started


# -- messages -----------------------------------------------------------------------------------


def test_a_message_survives_the_pipe_to_the_last_bit():
    numbers = np.random.default_rng(1).normal(size=(5, 3)) * 1e-300
    sent = {"do": "label", "text": "Å\n", "numbers": numbers, "none": np.zeros((0, 3))}
    data = packed(sent)
    line, rest = data.split(b"\n", 1)
    places = iter([0, numbers.nbytes])
    got = unpacked(line, lambda size: rest[(place := next(places)) : place + size])
    assert got["text"] == "Å\n"
    assert (got["numbers"] == numbers).all()
    assert got["none"].shape == (0, 3)


def test_a_label_is_what_the_calculator_says(teacher, argon):
    atoms = Atoms("Ar8", positions=argon.positions, cell=argon.cell, pbc=True)
    atoms.calc = LennardJones(**ARGUMENTS)
    label = teacher.label(argon)
    assert label.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-12)
    np.testing.assert_allclose(label.forces, atoms.get_forces(), atol=1e-12)
    np.testing.assert_allclose(label.stress, atoms.get_stress(voigt=False), atol=1e-12)


def test_a_large_structure_passes_through_the_pipe(teacher):
    # 240 kB: several times what a pipe holds
    cell = np.diag([30.0 * 1000, 30, 300])
    grid = np.stack(np.meshgrid(np.arange(1000), [0], np.arange(10), indexing="ij"), axis=-1)
    many = Snapshot(("Ar",) * 10000, grid.reshape(-1, 3) * 30.0, cell)
    label = teacher.label(many)
    assert label.forces.shape == (10000, 3)
    assert label.energy == 0.0


def test_a_run_keeps_every_nth_frame_with_its_label(teacher, argon):
    run = TeacherRun(temperature_K=50.0, steps=8, every=2, seed=1)
    frames = teacher.run(argon, run, phase="melt")
    again = teacher.label(frames[-1].snapshot)
    assert len(frames) == 5
    assert frames[-1].label.energy == pytest.approx(again.energy, abs=1e-10)
    assert not np.allclose(frames[-1].snapshot.positions, argon.positions)


def test_constant_pressure_moves_the_cell(teacher, argon):
    run = TeacherRun(temperature_K=50.0, steps=3, every=3, seed=1, pressure_GPa=0.1)
    frames = teacher.run(argon, run)
    assert frames[-1].snapshot.volume != pytest.approx(argon.volume, rel=1e-6)


def test_relaxing_brings_the_forces_down(teacher, argon):
    relaxed = teacher.relax(argon, cell_too=False)
    assert np.linalg.norm(relaxed.label.forces, axis=1).max() <= 0.01


# -- bad input and faults -----------------------------------------------------------------------


def test_a_refusal_names_the_reason_and_the_teacher_lives_on(tmp_path):
    metals = spec(calculator="ase.calculators.emt:EMT", arguments={})
    with Teacher(metals, failures=tmp_path) as teacher:
        with pytest.raises(EngineError, match="Lu"):
            teacher.label(Snapshot(("Lu",), np.zeros((1, 3)), 5 * np.eye(3)))
        copper = Snapshot(("Cu",), np.zeros((1, 3)), 3 * np.eye(3))
        assert np.isfinite(teacher.label(copper).energy)
    (saved,) = tmp_path.iterdir()
    assert read(saved).get_chemical_symbols() == ["Lu"]


@pytest.mark.usefixtures("_fakes")
def test_a_foreign_element_is_refused_before_the_first_label(tmp_path, wide):
    # the calculator's own table says argon; what was known beforehand said more
    with Teacher(replace(faulty(tmp_path), elements=("He", "Ar"))) as teacher:
        assert teacher.elements == ("Ar",)
        with pytest.raises(InputError, match=r"covers Ar\. Received: a structure with He"):
            teacher.label(replace(wide, species=("Ar", "He")))


@pytest.mark.usefixtures("_fakes")
def test_a_teacher_that_dies_or_hangs_once_is_asked_again(tmp_path, wide):
    hasty = Patience(base_s=3.0, per_atom_s=0.0)
    with Teacher(replace(faulty(tmp_path), patience=hasty)) as teacher:
        before = teacher.label(wide)
        for shift, fault in enumerate(("die", "hang"), start=1):
            (tmp_path / "fault-0").write_text(fault)
            # a calculator does not evaluate the same structure twice
            after = teacher.label(replace(wide, positions=wide.positions + shift))
            assert not (tmp_path / "fault-0").exists()
            assert after.energy == pytest.approx(before.energy, rel=1e-12)


@pytest.mark.usefixtures("_fakes")
def test_a_teacher_that_hangs_twice_says_where_and_leaves_the_structure(tmp_path, wide):
    marks, failures = tmp_path / "marks", tmp_path / "failures"
    marks.mkdir()
    hasty = replace(faulty(marks, "hang", "hang"), patience=Patience(base_s=1.0, per_atom_s=0.0))
    with (
        pytest.raises(EngineError, match="2 atoms within 1 s") as caught,
        Teacher(hasty, failures=failures) as teacher,
    ):
        teacher.label(wide)
    assert "twice" in str(caught.value)
    assert "fake_teacher.py" in caught.value.log_tail
    (saved,) = failures.iterdir()
    assert str(saved) in str(caught.value)
    np.testing.assert_allclose(read(saved).positions, wide.positions, atol=1e-7)


@pytest.mark.usefixtures("_fakes")
@pytest.mark.parametrize(
    ("fault", "reason"), [("nan", "not finite, first on atom 1"), ("push", "add up to")]
)
def test_what_no_atoms_can_have_is_no_label(tmp_path, wide, fault, reason):
    with (
        pytest.raises(EngineError, match=reason),
        Teacher(faulty(tmp_path, fault), failures=tmp_path / "failures") as teacher,
    ):
        teacher.label(wide)


def test_objections_to_a_label():
    forces = np.array([[1.0, 0, 0], [-1.0, 0, 0]])
    well = Label(-3.0, forces, np.zeros((3, 3)))
    assert objection(well, 2) == ""
    assert "for 3 atoms" in objection(well, 3)
    assert "nan eV" in objection(replace(well, energy=np.nan), 2)
    assert "stress" in objection(replace(well, stress=np.full((3, 3), np.inf)), 2)
    assert "per atom" in objection(replace(well, energy=1e8), 2)
    # an energy of all electrons is no nonsense: half a million eV for an atom of uranium
    assert objection(replace(well, energy=-7.6e5 * 2), 2) == ""


def test_a_calculator_that_is_not_there_is_an_error():
    with (
        pytest.raises(EngineError, match="no_such_module"),
        Teacher(spec(calculator="no_such_module:Nothing")),
    ):
        pass


def test_an_interpreter_that_is_not_there_is_bad_input():
    with (
        pytest.raises(InputError, match="--teacher-python"),
        Teacher(spec(python=Path("/no/such/python"))),
    ):
        pass


def test_a_teacher_that_dies_while_it_loads_is_noticed():
    with (
        pytest.raises(EngineError, match="ended with status 3"),
        Teacher(spec(calculator="os:_exit", arguments={"status": 3})),
    ):
        pass


def test_a_closed_teacher_says_so(argon):
    with pytest.raises(EngineError, match="a closed one"):
        Teacher(spec()).label(argon)


@pytest.mark.usefixtures("_fakes")
def test_a_teacher_at_work_does_not_outlive_its_python(tmp_path):
    (tmp_path / "fault-0").write_text("hang")
    code = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_teacher import *
        with Teacher(spec(calculator="fake_teacher:Faulty",
                          arguments={{"marks": {str(tmp_path)!r}}})) as teacher:
            print(teacher._process._process.pid, flush=True)
            teacher.label(Snapshot(("Ar",), np.zeros((1, 3)), 17 * np.eye(3)))
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    while (tmp_path / "fault-0").exists():
        time.sleep(0.02)
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    patience = time.monotonic() + 60
    while _lives(worker):
        assert time.monotonic() < patience
        time.sleep(0.05)


def _lives(number: int) -> bool:
    try:
        os.kill(number, 0)
        state = Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"


def test_a_team_shares_the_processors():
    with team(spec(), 2) as pair:
        assert [one.spec.threads for one in pair] == [max(1, processors() // 2)] * 2
    with team(spec(threads=3), 1) as (alone,):
        assert alone.spec.threads == 3


@pytest.mark.parametrize(
    ("energy", "force", "sane"), [(1.0, 59.0, True), (1.0, 61.0, False), (np.nan, 1.0, False)]
)
def test_nonsense_is_told_from_a_label(energy, force, sane):
    forces = np.array([[force, 0.0, 0.0], [0.0, 0.0, 0.0]])
    assert is_sane(Label(energy, forces, np.zeros((3, 3))), 60.0) is sane


# -- the catalogue ------------------------------------------------------------------------------


def test_the_elements_are_those_of_the_training_set():
    # Deng et al. 2023 (doi:10.1038/s42256-023-00716-3): MPtrj covers 89 elements.
    assert len(MPTRJ_ELEMENTS) == 89
    assert {"H", "Li", "Pu"} <= set(MPTRJ_ELEMENTS)
    assert not {"Po", "Ra", "Am"} & set(MPTRJ_ELEMENTS)


def test_a_calculator_shows_its_own_table():
    assert covered(SimpleNamespace(type_map={3: 0, 8: 1, 17: 2})) == ["Li", "O", "Cl"]
    assert covered(object()) == []


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.name)
def test_a_known_teacher_is_cited_and_takes_a_device(known):
    assert known.citation.startswith("10.")
    chosen = teacher_named(known.name, device="cuda")
    assert chosen.keywords[known.device_argument] == "cuda"
    assert known.device_argument not in teacher_named(known.name).keywords


def test_weights_that_must_be_downloaded_are_refused():
    with pytest.raises(InputError, match="nothing is downloaded"):
        teacher_named("7net-omni")


def test_a_wrong_name_is_met_with_a_near_one():
    with pytest.raises(InputError, match="did you mean '7net-0'"):
        teacher_named("7net0")


def test_any_calculator_can_be_named(monkeypatch):
    monkeypatch.setenv(PYTHON_VARIABLE, "/some/python")
    named = teacher_named("ase.calculators.emt:EMT")
    assert named.python == Path("/some/python")
    assert installed(replace(named, python=Path(sys.executable))).ok


def test_of_several_interpreters_the_one_that_has_the_teacher_is_taken(monkeypatch):
    monkeypatch.setenv(PYTHON_VARIABLE, f"/no/such/python{os.pathsep}{sys.executable}")
    assert teacher_named("ase.calculators.emt:EMT").python == Path(sys.executable)
    assert teacher_named("no_such_module:Nothing").python == Path("/no/such/python")


def test_a_device_needs_a_keyword_to_take_it():
    with pytest.raises(InputError, match="takes no device"):
        _ = spec(device="cuda").keywords


def test_what_is_missing_is_named_with_the_command_that_installs_it():
    absent = replace(teacher_named("chgnet"), calculator="no_such_module:Nothing")
    with pytest.raises(InputError, match="pip install torch chgnet"):
        require_installed(absent)


def test_the_digest_tells_teachers_apart(tmp_path):
    weights = tmp_path / "weights"
    weights.write_text("1")
    one = spec(arguments={"model": str(weights)})
    first = digest(one)
    assert digest(replace(one, threads=4, device="cpu", citation="x")) == first
    assert digest(spec()) != first
    weights.write_text("2")
    assert digest(one) != first


def test_a_teacher_can_drive_a_run():
    potential = teacher_potential(spec(elements=("Li", "O", "Cl")))
    assert potential.kind == "teacher"
    assert potential.lammps is None
    assert potential.covers(("Li", "O"))
    # Cordero et al. 2008 (doi:10.1039/b801115j): covalent radii of Li 1.28 Å and O 0.66 Å.
    assert potential.safe_distances["Li-O"] == pytest.approx(0.6 * (1.28 + 0.66))
    with pytest.raises(InputError, match="elements"):
        teacher_potential(spec())
