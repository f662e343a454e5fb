"""Total scattering functions of PDFgetX and PDFgetN, Gudrun, PyStoG, RMCProfile and others."""
