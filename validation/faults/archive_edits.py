"""Changes to the folder of an archive: files, the text of its config, its checkpoint."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.zoo.layout import FROZEN_GRAPH, PIPELINE_CONFIG

# Works on the folder.
Change = Callable[[Path], None]
Array = NDArray[np.float32]
Tensors = dict[str, Array]

CHECKPOINT = "model.ckpt"
SHARD = "model.ckpt.data-00000-of-00001"


def remove(*patterns: str) -> Change:
    """Files that did not come with the archive."""

    def change(folder: Path) -> None:
        for pattern in patterns:
            for path in [*folder.glob(pattern)]:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    return change


# A checkpoint with its config and no graph of any kind.
bare = remove(FROZEN_GRAPH, "model.ckpt.meta", "saved_model")
# Its graph is the .meta that the trainer wrote.
without_frozen = remove(FROZEN_GRAPH, "saved_model")


def edit(old: str, new: str, *, everywhere: bool = False) -> Change:
    """Another text in the config, where it stands first or everywhere."""

    def change(folder: Path) -> None:
        config = folder / PIPELINE_CONFIG
        text = config.read_text(encoding="utf-8")
        assert old in text
        config.write_text(text.replace(old, new, -1 if everywhere else 1), encoding="utf-8")

    return change


def weights(name: str, new: Callable[[Array], Any]) -> Change:
    """Tensors of the checkpoint whose name ends so become others; there is one at least."""
    return change_tensors(lambda each, _: each.endswith(name), new)


def change_tensors(
    chosen: Callable[[str, tuple[int, ...]], bool], new: Callable[[Array], Any]
) -> Change:
    """Tensors of the checkpoint that are chosen by name and shape become others."""

    def change(folder: Path) -> None:
        from validation.export.checkpoint import write_checkpoint

        tensors = tensors_of(folder / CHECKPOINT)
        found = [each for each, value in tensors.items() if chosen(each, value.shape)]
        assert found, "no such tensor"
        for each in found:
            value = tensors[each].copy()
            edited = new(value)
            tensors[each] = np.asarray(value if edited is None else edited).astype(np.float32)
        write_checkpoint(folder / CHECKPOINT, tensors)

    return change


def in_two_shards(folder: Path) -> None:
    """The same checkpoint as training with two parameter servers leaves it."""
    import tensorflow.compat.v1 as tf

    prefix = folder / CHECKPOINT
    tensors = tensors_of(prefix)
    remove(f"{CHECKPOINT}.index", SHARD)(folder)
    parts = [str(folder / f"part{number}") for number in range(2)]
    names = sorted(tensors)
    with tf.Graph().as_default(), tf.Session() as session:
        for number, part in enumerate(parts):
            own = names[number::2]
            values = [tf.constant(tensors[name]) for name in own]
            session.run(
                tf.raw_ops.SaveV2(
                    prefix=part, tensor_names=own, shape_and_slices=[""] * len(own), tensors=values
                )
            )
        session.run(
            tf.raw_ops.MergeV2Checkpoints(
                checkpoint_prefixes=parts, destination_prefix=str(prefix), delete_old_dirs=False
            )
        )


def damage(name: str) -> Change:
    """A file with one byte flipped, in its middle."""

    def change(folder: Path) -> None:
        data = bytearray((folder / name).read_bytes())
        data[len(data) // 2] ^= 0xFF
        (folder / name).write_bytes(data)

    return change


def cut(name: str) -> Change:
    """A file whose second half did not arrive."""

    def change(folder: Path) -> None:
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: len(data) // 2])

    return change


def tf2_checkpoint(below: str = "", prefix: str = CHECKPOINT) -> Change:
    """TensorFlow 2's checkpoint instead of TensorFlow 1's."""

    def change(folder: Path) -> None:
        import tensorflow as tf

        remove("model.ckpt.index", "model.ckpt.data-*", "checkpoint")(folder)
        target = folder / below
        target.mkdir(exist_ok=True)
        model = tf.train.Checkpoint(feature_extractor=tf.Variable([1.0]))
        model.write(str(target / prefix))

    return change


def tensors_of(prefix: Path) -> Tensors:
    """Every tensor of a checkpoint but the number of its step."""
    from validation.export.checkpoint import checkpoint_shapes, open_checkpoint

    values = open_checkpoint(prefix)
    named: Mapping[str, Any] = {
        name: values(name) for name in checkpoint_shapes(prefix) if name != "global_step"
    }
    return {name: value for name, value in named.items() if value is not None}
