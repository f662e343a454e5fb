"""Published numbers and the query on them."""
