"""Files of battery cyclers."""
