"""What heat flow over temperature says of a glass."""
