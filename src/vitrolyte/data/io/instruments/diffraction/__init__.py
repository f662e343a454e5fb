"""Powder patterns in the formats of diffractometers."""
