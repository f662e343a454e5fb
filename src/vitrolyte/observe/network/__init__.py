"""Medium range: rings, chains, clusters and the surroundings of mobile ions."""
