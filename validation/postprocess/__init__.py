"""The TFLite_Detection_PostProcess op in NumPy, so that the op has something to be judged by."""
