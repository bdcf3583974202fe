"""TFLite metadata: how an app is to feed a .tflite file and read its outputs."""
