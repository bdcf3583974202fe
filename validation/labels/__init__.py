"""Names of classes: read from any public layout, and joined with a model's classes by count."""
