"""The instruments: forward functions from atoms to curves and quantities."""
