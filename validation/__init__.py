"""Slow checks of figures against theory, other programs and publications."""
