"""TensorFlow 1's quantisation-aware rewriting of a built graph, in its evaluation form."""
