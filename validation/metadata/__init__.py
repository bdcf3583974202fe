"""TFLite metadata: what a .tflite file tells an app of how to feed it and read it."""
