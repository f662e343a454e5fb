"""The study file, the recipe steps, the store and the execution."""
