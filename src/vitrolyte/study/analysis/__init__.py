"""A user's own trajectories, from what is asked of them to a study."""
