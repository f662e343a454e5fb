"""Impedance spectra: Kramers-Kronig, choice of a circuit, conductivities, relaxation times."""
