"""Impedance of circuits: elements, how they are written, capacitances and relaxation times."""
