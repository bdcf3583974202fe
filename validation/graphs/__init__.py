"""The OD API's SSD inference graphs, built from pipeline.config with tf-slim.

Variables get the names that the OD API gave them, so that its checkpoints load.
"""
