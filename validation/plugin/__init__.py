"""The pytest side: options, selection, fixtures and the recorder; the only pytest code."""
