"""Pieces of a run: a model file on some of a session's images, wherever that is done."""
