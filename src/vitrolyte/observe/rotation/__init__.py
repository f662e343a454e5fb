"""How molecular ions turn, and whether their turning has to do with the ions that move."""
