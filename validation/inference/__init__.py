"""Inference: a model file and images in, detections and raw outputs by image out."""
