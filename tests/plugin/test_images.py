"""What the user gives wins; what ships serves the package's own models and no others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from validation.errors import ArtefactMissing, DatasetError, UsageError
from validation.plugin.images import SessionImages, session_images
from validation.policy.load import load_policy
from validation.zoo import bundled_files
from validation.zoo.canaries import load_canaries

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles


@pytest.fixture
def own(tmp_path: Path, miniature: MiniatureFiles, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small package's data in the place of this one's."""
    from bundled_stand_in import lay_out_bundled

    folder = lay_out_bundled(tmp_path / "bundled", miniature)
    monkeypatch.setattr(bundled_files, "BUNDLED_FOLDER", folder)
    return folder


def _images(*, bundled: bool = True, **given: Any) -> SessionImages:
    options = {"annotations": None, "images": None, "most": None, "calibration": None, **given}
    return session_images(load_policy(), bundled=bundled, **options)


def test_bundled_models_come_with_their_images(own: Path) -> None:
    """Labelled scenes, canaries of their classes, and other scenes to calibrate with."""
    found = _images()
    assert found.dataset is not None
    assert (found.dataset.name, len(found.dataset.images)) == ("bundled scenes", 6)
    assert found.dataset.annotation_path == own / "scenes" / "annotations.json"
    assert {each.label for each in found.canaries} <= {"square", "disc"}
    assert found.representative is not None
    assert {each.path.parent for each in found.representative.images} == {
        own / "calibration" / "images"
    }
    assert "bundled calibration scenes" in found.representative.source


def test_number_of_scenes_is_the_users(own: Path) -> None:
    """--max-images alone narrows the scenes."""
    assert own.is_dir()
    found = _images(most=2)
    assert found.dataset is not None
    assert [image.id for image in found.dataset.images] == [1, 2]


def test_what_the_user_gives_wins(own: Path, miniature: MiniatureFiles, tmp_path: Path) -> None:
    """Each option for itself; the canaries are still of the models' classes."""
    found = _images(annotations=miniature.annotations, images=miniature.images)
    assert found.dataset is not None
    assert found.dataset.name == "annotations"
    assert found.canaries[0].path.parent == own / "scenes" / "images"
    assert found.representative is not None
    assert found.representative.images[0].path.parent == own / "calibration" / "images"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.jpg").touch()
    found = _images(calibration=tmp_path / "mine")
    assert found.representative is not None
    assert found.representative.source == "folder mine"
    assert found.dataset is not None
    assert found.dataset.name == "bundled scenes"


def test_other_models_get_none_of_it(own: Path) -> None:
    """No data unless given; canaries are the photographs."""
    assert own.is_dir()
    found = _images(bundled=False)
    assert found == SessionImages(None, load_canaries(), None)


def test_a_share_of_labelled_images_calibrates_and_is_not_scored(
    own: Path, miniature: MiniatureFiles
) -> None:
    """A file that is scored on what it was calibrated on looks better than it is."""
    assert own.is_dir()
    labelled = {"annotations": miniature.annotations, "images": miniature.images}
    found = _images(bundled=False, **labelled)
    assert found.dataset is not None
    assert found.representative is not None
    assert "set apart from those that are scored" in found.representative.source
    calibrating = {image.path for image in found.representative.images}
    scored = {image.path for image in found.dataset.images}
    assert calibrating.isdisjoint(scored)
    assert (len(calibrating), len(scored), found.dataset.set_apart) == (1, 5, 1)
    assert {item.image_id for item in found.dataset.ground_truth} <= {
        image.id for image in found.dataset.images
    }
    whole = _images(bundled=False, calibrates=False, **labelled)
    assert whole.representative is None
    assert whole.dataset is not None
    assert len(whole.dataset.images) == 6
    assert whole.dataset.sha256 != found.dataset.sha256


def test_own_canaries_go_first(own: Path) -> None:
    """For bundled models and others alike."""
    canaries = own / "canaries.toml"
    for bundled in (True, False):
        assert _images(bundled=bundled, canaries=canaries).canaries == load_canaries(canaries)


@pytest.mark.parametrize("bundled", [True, False])
def test_images_without_annotations(own: Path, bundled: bool) -> None:
    """The other half is not made up, not of bundled scenes either."""
    with pytest.raises(UsageError, match=r"no labelled images are named.*--coco-images alone"):
        _images(bundled=bundled, images=own)
    with pytest.raises(UsageError, match=r"no labelled images are named.*--max-images alone"):
        _images(bundled=False, most=3)


@pytest.mark.parametrize("bundled", [True, False])
def test_annotations_that_do_not_say_where_images_are(
    tmp_path: Path, miniature: MiniatureFiles, bundled: bool
) -> None:
    """The message names the option."""
    alone = tmp_path / "alone.json"
    alone.write_bytes(miniature.annotations.read_bytes())
    with pytest.raises(DatasetError, match=r"does not say where its images are.*--coco-images"):
        _images(bundled=bundled, annotations=alone)


def test_installation_without_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One error that names the installation, not a missing option."""
    monkeypatch.setattr(bundled_files, "BUNDLED_FOLDER", tmp_path)
    with pytest.raises(ArtefactMissing, match="installed without its data"):
        _images()


def test_images_of_other_things_need_other_models(miniature: MiniatureFiles) -> None:
    """Who names no models gets the bundled ones; photographs show none of what they know."""
    with pytest.raises(UsageError, match=r"know none of the labelled classes.*--zoo person"):
        _images(annotations=miniature.annotations, images=miniature.images)


def test_classes_without_names_are_asked_for(tmp_path: Path) -> None:
    """Numbers fit no model of another task, and names may be at hand."""
    for name in ("images/val/a.png", "labels/val/a.txt"):
        (tmp_path / name).parent.mkdir(parents=True)
    Image.new("RGB", (40, 20)).save(tmp_path / "images/val/a.png")
    (tmp_path / "labels/val/a.txt").write_text("1 0.5 0.5 0.5 0.5\n")
    with pytest.raises(UsageError, match=r"got classes without names; name its data.yaml"):
        _images(annotations=tmp_path)
