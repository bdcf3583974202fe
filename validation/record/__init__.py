"""The record of a run: its types, its lines on disk, and the store that writes and reads it."""
