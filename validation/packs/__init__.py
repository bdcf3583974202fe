"""Failing cases, each in one file: written by a run, and run again anywhere."""
