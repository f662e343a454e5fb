"""Files of NMR spectrometers, and tables of what was made of them."""
