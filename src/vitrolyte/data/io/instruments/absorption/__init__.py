"""X-ray absorption spectra: Athena projects and columns of text."""
