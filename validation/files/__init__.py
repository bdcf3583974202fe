"""Files: written whole or not at all, paths given as options, and output of native libraries."""
