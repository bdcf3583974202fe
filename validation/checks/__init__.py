"""Judgements on two runs, or on a file and its contract: pure functions that return results."""
