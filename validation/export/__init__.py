"""Export: from an inference graph or a checkpoint to tflite_graph.pb."""
