"""Files that runtimes load, see `runtime_files`."""

from runtime_files import files, quantised, tiny, tiny_attributes

__all__ = ["files", "quantised", "tiny", "tiny_attributes"]
