"""Internal units (Å, ps, eV, K, GPa, e) and the factors that lead out of them.

Every factor is named ``A_TO_B``: multiply a number in A to get it in B.
Constants are the exact SI values of 2019 (CODATA, https://physics.nist.gov/constants).
"""

BOLTZMANN_EV_PER_K = 8.617333262e-5
"""Boltzmann constant, eV/K."""

ELEMENTARY_CHARGE_C = 1.602176634e-19
"""Elementary charge, C."""

AVOGADRO_PER_MOL = 6.02214076e23
"""Avogadro constant, 1/mol."""

FS_TO_PS = 1e-3
A2_PER_PS_TO_CM2_PER_S = 1e-4
"""Diffusivity: 1 Å²/ps = 1e-16 cm² / 1e-12 s."""

EV_PER_A3_TO_GPA = 160.2176634
"""Pressure and elastic moduli."""

U_PER_A3_TO_G_PER_CM3 = 1.66053906660
"""Mass density: 1 u = 1.66053906660e-24 g, 1 Å³ = 1e-24 cm³."""

BAR_TO_GPA = 1e-4
E2_PER_A_PS_EV_TO_S_PER_CM = 1.602176634e1
"""Conductivity: 1 e²/(eV Å ps) = 1.602176634e-19 C/V / (1e-8 cm 1e-12 s) = 16.02176634 S/cm."""
