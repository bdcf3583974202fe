"""Pieces of runs and conversions on dask.distributed, which is imported where it is used."""
