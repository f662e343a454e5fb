"""Hops of ions without a site model: residences, jump statistics, concerted moves, sites."""
