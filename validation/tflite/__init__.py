"""The .tflite file format: read within bounds, described, compared and written."""
