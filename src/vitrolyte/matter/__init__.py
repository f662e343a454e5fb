"""Everything that makes atoms: composition, crystals, defects, packing."""
