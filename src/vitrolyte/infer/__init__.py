"""The film backwards: parameters from curves, students from teachers."""
