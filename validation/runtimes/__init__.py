"""Runtimes: one small interface over a TensorFlow session and LiteRT."""
