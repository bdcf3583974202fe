"""What the parent of the processes of `warm_process` imports, as the commands themselves do."""

import os

# As `validation.cli.main` sets it before TensorFlow is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow  # noqa: F401
import tf_slim  # noqa: F401
