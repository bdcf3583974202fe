"""Write the catalogue of the archives that ship inside the package.

    python tools/list_bundled.py            write validation/zoo/bundled.toml
    python tools/list_bundled.py --check    only say whether it is up to date

Every archive is unpacked on the way, so what cannot be used cannot be listed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from validation.errors import ArtefactMissing, ValidationError
from validation.files.atomic import write_text_atomic
from validation.labels.reading import read_labels
from validation.pipeline.config import load_pipeline
from validation.zoo.archives import obtain
from validation.zoo.bundled_files import BUNDLED_FOLDER, BUNDLED_GROUP
from validation.zoo.folders import archives_at, entry_of

CATALOGUE = BUNDLED_FOLDER.with_suffix(".toml")

_HEAD = """\
# Written by tools/list_bundled.py from the archives in bundled/; do not edit.
version = 1
"""
_LICENCE = "Apache-2.0"
_ORIGIN = "trained by tools/train_bundled.py on scenes that tools/bundled draws"


def document(folder: Path = BUNDLED_FOLDER) -> str:
    """The catalogue of a folder's .tar.gz files.

    Args:
        folder: With the archives, and scenes/label_map.pbtxt for their classes.

    Returns:
        TOML that `load_catalogue` reads; without models where there is no archive.

    Raises:
        ValidationError: An archive or the label map cannot be used.
    """
    archives = archives_at(folder) if folder.is_dir() else {}
    tars = {name: path for name, path in archives.items() if path.name == f"{name}.tar.gz"}
    if not tars:
        return f"{_HEAD}model = []\n"
    labels = read_labels(folder / "scenes" / "label_map.pbtxt")
    names = sorted(labels.by_number.items())
    lines = [f"{number} = {json.dumps(name)}" for number, name in names]
    label_set = "\n".join([f"[label_sets.{BUNDLED_GROUP}]", *lines])
    return "\n".join([_HEAD, label_set, "", *(_model(name, path) for name, path in tars.items())])


def _model(name: str, path: Path) -> str:
    entry = entry_of(name, path, BUNDLED_GROUP)
    with tempfile.TemporaryDirectory() as cache:
        archive = obtain(entry, Path(cache), offline=True)
        if archive.pipeline_config is None:
            raise ArtefactMissing("the archive has no pipeline.config", where=path)
        config = load_pipeline(archive.pipeline_config)
    height, width = config.input_size
    trained = ", trained with quantisation" if entry.quantised else ""
    what = f"{config.feature_extractor_type}, input {height}x{width}{trained}"
    return f"""\
[[model]]
name = {json.dumps(name)}
group = {json.dumps(BUNDLED_GROUP)}
description = {json.dumps(f"{what}; bundled scenes, {config.num_classes} classes")}
licence = {json.dumps(_LICENCE)}
origin = {json.dumps(_ORIGIN)}
sha256 = {json.dumps(archive.source.sha256)}
size_bytes = {archive.source.size_bytes}
quantised = {json.dumps(entry.quantised)}
labels = {json.dumps(BUNDLED_GROUP)}
source = {{ kind = "package", member = {json.dumps(path.name)} }}
"""


def main(arguments: list[str] | None = None) -> int:
    """Write the catalogue, or compare it.

    Returns:
        0; 1 where --check finds another text; or the exit code of the error on stderr.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    options = parser.parse_args(arguments)
    try:
        text = document()
    except ValidationError as error:
        sys.stderr.write(f"list_bundled: {type(error).__name__}: {error}\n")
        return error.exit_code
    if not options.check:
        write_text_atomic(CATALOGUE, text)
        return 0
    if CATALOGUE.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(
        f"list_bundled: {CATALOGUE.name} is not what its archives say: write it anew\n"
    )
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
