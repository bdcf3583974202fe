"""Calibration: the images that ranges are found with, how they are fed, and the ranges."""
