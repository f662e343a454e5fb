"""Motion in space and time: van Hove functions, scattering functions in time, their decay."""
