"""The coins that travel between rooms, units and errors."""
