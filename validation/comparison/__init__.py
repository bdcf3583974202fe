"""Comparisons of two runs, or of a file with its contract: pure functions that return results."""
