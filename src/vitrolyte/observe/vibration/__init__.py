"""Vibrations: spectra of velocities, stretching of bonds, mean square vibrations about sites."""
