"""What makes the data and the models that ship inside the package."""
