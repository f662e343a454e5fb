"""Vitrolyte designs, simulates and characterises solid electrolytes."""

__version__ = "0.1.0"
