"""Shows any results without knowing whether they were measured or computed."""
