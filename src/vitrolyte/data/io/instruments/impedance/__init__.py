"""Files of impedance spectra."""
