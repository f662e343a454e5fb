"""One file for each format in which others write atoms in time; `io.trajectories` opens them."""
