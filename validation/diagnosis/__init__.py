"""Diagnosis: where a quantised .tflite file loses what its outputs lack."""
