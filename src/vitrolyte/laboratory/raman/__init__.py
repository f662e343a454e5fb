"""Raman spectra: spikes out, baseline and peaks together, shares of structural units."""
