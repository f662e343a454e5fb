"""Patterns that are sums of columns with a few parameters inside: a lattice from a pattern."""
