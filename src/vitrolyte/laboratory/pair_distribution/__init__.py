"""Total scattering: S(Q) and G(r) set right, and the first neighbours read off them."""
