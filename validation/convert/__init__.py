"""Conversion: from tflite_graph.pb to a .tflite file of each variant."""
