"""From an image file to a model's input tensor, as the TF1 graph does it, in NumPy."""
