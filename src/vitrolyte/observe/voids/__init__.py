"""Voids: the room between the ions, by probe radius."""
