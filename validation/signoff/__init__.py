"""From a run's record to a verdict, and what changed between two runs."""
