"""What was done to an array, found by its numbers alone."""
