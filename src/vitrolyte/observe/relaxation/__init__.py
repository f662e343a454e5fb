"""Nuclear spin relaxation: laws of spectral densities, and couplings that a run makes fluctuate."""
