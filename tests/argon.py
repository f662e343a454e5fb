"""Argon, the potential of the tests that need one which costs nothing."""

from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.potentials.potential import LammpsPair, Potential

# Rahman 1964 (doi:10.1103/PhysRev.136.A405): epsilon/k = 120 K, sigma = 3.4 Å; smoothed to zero
# so that energy is conserved.
ARGON = Potential(
    name="argon",
    kind="classical",
    elements=("Ar",),
    lammps=LammpsPair(
        units="metal",
        atom_style="atomic",
        files=(),
        commands=(
            "pair_style lj/smooth/linear 8.0",
            f"pair_coeff 1 1 {120 * BOLTZMANN_EV_PER_K:.8f} 3.4",
        ),
    ),
    safe_distances={"Ar-Ar": 2.6},
    timestep_fs=20.0,
    card=None,
    citations=("doi:10.1103/PhysRev.136.A405",),
    digest="rahman-1964",
)
