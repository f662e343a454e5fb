"""Every check there is, in the order of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from validation import (
    coverage,
    coverage_transport,
    exafs_peers,
    hops,
    laboratory_absorption,
    laboratory_calorimetry,
    laboratory_diffraction,
    laboratory_fitter,
    laboratory_formats,
    laboratory_impedance,
    laboratory_nmr,
    laboratory_pdf,
    laboratory_peers,
    laboratory_raman,
    motion_time,
    polyhedra_peers,
    published,
    relaxation,
    rings_peers,
    rotation,
    scattering_peers,
    structure_peers,
    student,
    temperature,
    transport_peers,
    truths,
)
from validation.check import Check


@dataclass(frozen=True)
class Entry:
    """Checks that are carried out together.

    Attributes
    ----------
    name
        The word by which a user asks for it.
    title
        What is checked, in words.
    carry_out
        Carries it out.
    """

    name: str
    title: str
    carry_out: Callable[[], tuple[Check, ...]]


def _coverage(case: str, runs: int = coverage.RUNS) -> tuple[Check, ...]:
    """Return how often the intervals of one case hold the truth."""
    bounds = coverage.bounds(case)
    return tuple(
        Check.within(
            f"95 % interval holds the truth, share of {one.answered} answers of {one.runs} runs: "
            f"{one.name}",
            0.95,
            one.share,
            bounds=bounds,
            command="",
        )
        for one in coverage.coverage(case, runs)
    )


def _gathered(checks: Callable[[], Iterable[Check]]) -> tuple[Check, ...]:
    return tuple(checks())


CATALOGUE: tuple[Entry, ...] = (
    Entry("random-walk", "known diffusivity of a random walk", truths.random_walk),
    Entry("ideal-gas", "pair function of an ideal gas", truths.ideal_gas),
    *(
        Entry(
            f"coverage-{case.replace(' ', '-')}",
            f"95 % intervals: {case}",
            partial(_coverage, case),
        )
        for case in coverage.CASES
    ),
    Entry("coverage-directions", "95 % intervals: directions, pairs", coverage_transport.checks),
    Entry("coverage-temperature", "95 % intervals: laws of temperature", temperature.checks),
    Entry("temperature-printed", "energies of printed pairs", temperature.printed_pairs),
    *(
        Entry(
            f"coverage-time-{case.replace(' ', '-')}",
            f"95 % intervals: {case}",
            partial(motion_time.intervals, case),
        )
        for case in motion_time.CASES
    ),
    Entry("coherent-dynasor", "F(q, t), dynasor", motion_time.coherent_beside_dynasor),
    Entry("coverage-hops", "95 % intervals: hops", hops.coverage_checks),
    Entry("hops-cages", "no hops in cages", hops.cage_checks),
    Entry("hops-recovered", "known rates of hops", hops.recovery_checks),
    Entry("coverage-rotation", "95 % intervals: rotation and its coupling", rotation.checks),
    Entry("rotation-null", "p-values of the coupling under the null", rotation.uniform),
    Entry("coverage-relaxation", "95 % intervals: NMR relaxation", relaxation.checks),
    Entry("transport-peers", "MDAnalysis and kinisi", transport_peers.checks),
    Entry("pairs-mdanalysis", "pair functions, MDAnalysis", structure_peers.pairs_mdanalysis),
    Entry("pairs-freud", "pair functions, freud", structure_peers.pairs_freud),
    Entry("factors-dynasor", "structure factors, dynasor", structure_peers.factors_dynasor),
    Entry("conversions-pystog", "total factors, PyStoG", scattering_peers.conversions_pystog),
    Entry(
        "lengths-periodictable",
        "neutron scattering lengths, periodictable",
        scattering_peers.lengths_periodictable,
    ),
    Entry("form-factors-xraydb", "form factors, xraydb", scattering_peers.form_factors_xraydb),
    Entry("patterns-pymatgen", "powder lines, pymatgen", scattering_peers.patterns_pymatgen),
    Entry(
        "sharing-polyhedral-analysis",
        "corner, edge and face sharing, polyhedral-analysis",
        polyhedra_peers.sharing_polyhedral_analysis,
    ),
    Entry("coordination-pymatgen", "coordination, pymatgen", polyhedra_peers.coordination_pymatgen),
    Entry("shapes-chemenv", "shape measures, chemenv", polyhedra_peers.shapes_chemenv),
    Entry("valences-pymatgen", "bond-valence sums, pymatgen", polyhedra_peers.valences_pymatgen),
    Entry("polyhedra-published", "published bond lengths", polyhedra_peers.published_crystals),
    Entry("rings-matscipy", "rings, matscipy", rings_peers.against_matscipy),
    Entry("rings-glass", "rings of a silica glass", rings_peers.glass_rings),
    Entry("exafs-larch", "EXAFS, Larch", exafs_peers.exafs_larch),
    Entry("instrument-files", "damaged files of instruments", laboratory_formats.damaged_files),
    Entry("impedance-files", "files, impedance.py", laboratory_peers.spectra_beside_impedance_py),
    Entry("biologic-files", "files, galvani", laboratory_peers.records_beside_galvani),
    Entry("neware-files", "files, NewareNDA", laboratory_peers.records_beside_newarenda),
    Entry("cycled-cells", "95 % intervals: fade of cells", laboratory_peers.cycled_cells),
    *(
        Entry(
            f"impedance-{number}",
            "impedance: intervals, minima, false alarms",
            partial(_gathered, checks),
        )
        for number, checks in enumerate(laboratory_impedance.CHECKS, 1)
    ),
    Entry(
        "absorption",
        "measured EXAFS: intervals, Larch",
        partial(_gathered, laboratory_absorption.checks),
    ),
    Entry("pdf", "measured PDF: intervals", partial(_gathered, laboratory_pdf.checks)),
    Entry("raman", "Raman: intervals", partial(_gathered, laboratory_raman.checks)),
    Entry(
        "calorimetry",
        "calorimetry: intervals, false alarms, damaged files",
        partial(_gathered, laboratory_calorimetry.checks),
    ),
    Entry("calorimetry-pkynetics", "pkynetics", laboratory_calorimetry.peers_pkynetics),
    Entry(
        "diffraction-coverage",
        "95 % intervals: powder patterns",
        laboratory_diffraction.coverage_right_shape,
    ),
    Entry(
        "diffraction-wrong-shape",
        "95 % intervals: powder patterns with another line shape",
        laboratory_diffraction.coverage_wrong_shape,
    ),
    Entry(
        "diffraction-pymatgen",
        "powder intensities, pymatgen",
        laboratory_diffraction.intensities_pymatgen,
    ),
    Entry(
        "diffraction-files",
        "damaged powder patterns",
        laboratory_diffraction.damaged_files,
    ),
    Entry(
        "fitter",
        "NIST, 95 % intervals: the fitter, densities, currents",
        partial(_gathered, laboratory_fitter.checks),
    ),
    Entry("nmr", "95 % intervals: measured NMR", partial(_gathered, laboratory_nmr.checks)),
    Entry(
        "nmr-files",
        "damaged files of spectrometers",
        partial(_gathered, laboratory_nmr.damaged_files),
    ),
    Entry("densities", "published densities", published.densities),
    Entry("lattice-guess", "published lattice parameters", published.lattice_guesses),
    Entry("student-crystal", "crystal of the shipped potential", student.crystal_checks),
    Entry("student-stability", "Li3OCl against Li2O and LiCl", student.stability_checks),
)
