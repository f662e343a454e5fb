"""Spectra of nuclear resonance: their lines, patterns of powders, and widths over temperature."""
