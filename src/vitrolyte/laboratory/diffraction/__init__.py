"""Measured powder patterns: phases, lattices, mass shares, halos."""
