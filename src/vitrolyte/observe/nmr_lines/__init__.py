"""Line shapes of powders and glasses in a magnetic field."""
