"""Distillation: a fast student potential fitted to what a slow teacher says."""
