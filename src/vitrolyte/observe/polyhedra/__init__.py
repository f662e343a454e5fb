"""Coordination polyhedra: which there are, what they share, how they are shaped and tilted."""
