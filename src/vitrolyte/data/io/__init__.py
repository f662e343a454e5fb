"""The only door: one file per format, converted once to the internal units."""
