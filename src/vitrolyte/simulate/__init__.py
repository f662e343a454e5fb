"""Schedules as plain data and the engines that carry them out."""
