"""The message classes of a pipeline.config, made from committed descriptors.

Generated ``_pb2.py`` code is tied to the protobuf runtimes that its compiler was
made for, and is refused by others; serialised descriptors are plain data that
every runtime reads. So ``tools/compile_protos.py`` compiles the ``.proto`` files
beside this module to ``pipeline.binpb``, and only that file is read here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "object_detection.protos"
DESCRIPTORS = Path(__file__).with_name("pipeline.binpb")


def _load_pool() -> descriptor_pool.DescriptorPool:
    # Not the default pool: an installed OD API registers messages of the same
    # names there, and protobuf refuses the second one.
    pool = descriptor_pool.DescriptorPool()
    files = descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTORS.read_bytes())
    for file in files.file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


_POOL = _load_pool()


def message_class(name: str) -> type[Any]:
    """The class of one message, for example ``Ssd``.

    Args:
        name: Name without the package; a nested message is ``Outer.Inner``.

    Raises:
        KeyError: No such message.
    """
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{PACKAGE}.{name}"))


def enum_names(full_name: str) -> tuple[str, ...]:
    """The names of an enum's values; none for an unknown enum.

    Args:
        full_name: With the package, as the parser's complaints have it.
    """
    try:
        return tuple(_POOL.FindEnumTypeByName(full_name).values_by_name)
    except KeyError:
        return ()


TrainEvalPipelineConfig = message_class("TrainEvalPipelineConfig")
