"""A package index of tiny wheels, in a folder: the value that the package gives moved somewhere."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

PROJECT = "planted"
# No interpreter takes these wheels any more.
OLD_PYTHON = "cp39-cp39-manylinux_2_17_x86_64"


def write_index(
    folder: Path,
    values: Mapping[str, int],
    *,
    yanked: Iterable[str] = (),
    tags: Mapping[str, str] | None = None,
    needs: Mapping[str, str] | None = None,
    project: str = PROJECT,
) -> str:
    """Write the index, and return its URL.

    Args:
        folder: Not there yet.
        values: By version: what the module's VALUE is.
        yanked: Versions that were taken back.
        tags: By version: interpreter, ABI and platform of the wheel, where it is not for any.
        needs: By version: a requirement of it.
        project: Of the wheels; the module in them is always the same.
    """
    place = folder / "simple" / project
    name = project.replace("-", "_")
    place.mkdir(parents=True)
    links = []
    for version, value in values.items():
        tag = (tags or {}).get(version, "py3-none-any")
        wheel = place / f"{name}-{version}-{tag}.whl"
        _write_wheel(wheel, name, version, value, tag, (needs or {}).get(version))
        mark = ' data-yanked="wrong"' if version in yanked else ""
        links.append(f'<a href="{wheel.name}"{mark}>{wheel.name}</a><br>')
    page = "\n".join(["<!DOCTYPE html><html><body>", *links, "</body></html>"])
    (place / "index.html").write_text(page, encoding="utf-8")
    return (folder / "simple").as_uri()


def pip_variables(url: str) -> dict[str, str]:
    """Environment variables with which pip asks this index and no other."""
    return {
        "PIP_INDEX_URL": url,
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_CONFIG_FILE": "/dev/null",
    }


def _write_wheel(
    path: Path, name: str, version: str, value: int, tag: str, needs: str | None
) -> None:
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files = {
        f"{PROJECT}.py": f"VALUE = {value}\n",
        f"{info}/METADATA": metadata + (f"Requires-Dist: {needs}\n" if needs else ""),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = [f"{name},{_digest(text)},{len(text)}" for name, text in files.items()]
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
        wheel.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,", ""]))


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
