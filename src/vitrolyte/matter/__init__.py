"""Everything that makes atoms: compositions, crystals and their point defects."""
