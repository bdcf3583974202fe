"""Labelled images in the COCO layout, and the accuracy figures measured on them."""
