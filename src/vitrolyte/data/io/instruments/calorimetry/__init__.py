"""Files of calorimeters: heat flow and temperature over time, segment by segment."""
