"""A miniature detector that several folders of tests share; made once a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles

pytest_plugins = ["pytester"]
# Sessions inside of tests load the plugin, which these tests import too.
pytest.register_assert_rewrite("validation.plugin")


@pytest.fixture(scope="session")
def miniature(tmp_path_factory: pytest.TempPathFactory) -> MiniatureFiles:
    """An archive, labelled images and a filled cache; read only, but for the cache."""
    # Not at the top: most tests need neither the chain nor the TensorFlow behind it.
    from miniature_cases import fill_cache, lay_out

    files = lay_out(tmp_path_factory.mktemp("miniature"))
    fill_cache(files)
    return files
