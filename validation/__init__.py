"""Validation of TensorFlow 1 Object Detection API SSD models converted to TFLite."""

__version__ = "0.1.0"
