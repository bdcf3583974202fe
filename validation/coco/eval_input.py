"""The data set that a pipeline.config names: its eval_input_reader's TFRecords and label map."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

from validation.coco.record_files import matching_files
from validation.errors import DatasetError, first_few
from validation.files.guard import guarded
from validation.files.outside import read_text


@dataclass(frozen=True)
class EvalInput:
    """What an eval_input_reader reads, found on this machine.

    Args:
        files: TFRecords.
        label_map: None where none is named, or it is not here: records may have names themselves.
    """

    files: tuple[Path, ...]
    label_map: Path | None


def _message_class() -> type[Any]:
    """As much of TrainEvalPipelineConfig as names files; field numbers are the OD API's."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="eval_input.proto", package="eval_input")
    records = file.message_type.add(name="Records")
    records.field.add(
        name="input_path", number=1, type=field.TYPE_BYTES, label=field.LABEL_REPEATED
    )
    reader = file.message_type.add(name="Reader")
    reader.field.add(
        name="label_map_path", number=1, type=field.TYPE_BYTES, label=field.LABEL_OPTIONAL
    )
    reader.field.add(
        name="tf_record_input_reader",
        number=8,
        type=field.TYPE_MESSAGE,
        type_name=".eval_input.Records",
        label=field.LABEL_OPTIONAL,
    )
    config = file.message_type.add(name="Config")
    # Both names have been in use.
    for number, name in ((5, "eval_input_reader"), (6, "eval_input_config")):
        config.field.add(
            name=name,
            number=number,
            type=field.TYPE_MESSAGE,
            type_name=".eval_input.Reader",
            label=field.LABEL_REPEATED,
        )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("eval_input.Config"))


_CONFIG = _message_class()


def read_eval_input(config: Path) -> EvalInput:
    """Find the files that a pipeline.config evaluates on.

    Paths are looked for as they stand, from the current folder and from the config's, and then
    by their last parts beside the config: configs travel, and the paths in them do not. Readers
    of the same files count once.

    Raises:
        DatasetError: Not a pipeline.config, none or several readers, or TFRecords that are not
            here.
    """
    message = _CONFIG()
    with guarded(DatasetError, "the pipeline.config cannot be read", where=config):
        text = read_text(config, encoding="utf-8-sig")
        # As the OD API merges: what stands twice holds as it stands last.
        text_format.Merge(text, message, allow_unknown_extension=True, allow_unknown_field=True)
    readers = [*message.eval_input_reader, *message.eval_input_config]
    reading = [each for each in readers if each.tf_record_input_reader.input_path]
    if (
        len({(*each.tf_record_input_reader.input_path, each.label_map_path) for each in reading})
        != 1
    ):
        paths = [_text(path) for each in reading for path in each.tf_record_input_reader.input_path]
        raise DatasetError(
            "the pipeline.config does not say which TFRecords are evaluated on",
            expected="one eval_input_reader with tf_record_input_reader { input_path: ... }",
            got=first_few(paths) or "none",
            where=config.name,
            next_step="name the TFRecords themselves: "
            f"--coco-annotations='{next(iter(paths), 'val.record')}'",
        )
    reader = reading[-1]
    files: list[Path] = []
    for path in map(_text, reader.tf_record_input_reader.input_path):
        found = _found(path, config)
        if not found:
            raise DatasetError(
                "a file that the pipeline.config names is not here",
                expected=path,
                got=f"nothing of that name, and no {_parts(path)[-1]} beside the config",
                where=f"{config.name}, eval_input_reader",
                next_step="name the TFRecords themselves: --coco-annotations=val.record",
            )
        files += found
    label_map = _text(reader.label_map_path)
    label_maps = _found(label_map, config) if label_map else ()
    return EvalInput(tuple(files), label_maps[0] if label_maps else None)


def _found(text: str, config: Path) -> tuple[Path, ...]:
    """The files of a path or pattern, none where there are none."""
    beside = config.parent
    parts = _parts(text)
    shorter = (beside.joinpath(*parts[at:]) for at in range(1, len(parts)))
    for place in (Path(text).expanduser(), beside / text, *shorter, beside / parts[-1]):
        if files := matching_files(place):
            return files
    return ()


def _parts(path: str) -> tuple[str, ...]:
    # Windows knows both slashes.
    parts = PureWindowsPath(path).parts if "\\" in path else Path(path).parts
    return parts or (path,)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
