"""Cycling of cells: capacity, efficiency, fade, hysteresis, overpotential."""
