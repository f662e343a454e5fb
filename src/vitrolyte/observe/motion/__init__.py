"""How ions move: displacements, currents, transport and their temperature dependence."""
