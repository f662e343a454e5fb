"""Raman spectra: text of any spectrometer, JCAMP-DX, and Renishaw's WDF."""
