"""The recipe steps that a study file can name, one file per subject."""
