"""Files of laboratory instruments, read into measurements."""
