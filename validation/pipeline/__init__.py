"""pipeline.config: from proto text to a checked message."""
