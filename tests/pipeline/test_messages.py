"""The descriptors are those of the .proto files, and stay private."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool

from validation.pipeline import messages

ROOT = Path(messages.__file__).parents[2]


@pytest.fixture
def tool() -> ModuleType:
    """tools/compile_protos.py as a module."""
    spec = importlib.util.spec_from_file_location(
        "compile_protos", ROOT / "tools" / "compile_protos.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_names_of_an_enum() -> None:
    """For advice on a misspelt value; of what is no enum there are none."""
    names = messages.enum_names("object_detection.protos.Hyperparams.Activation")
    assert {"NONE", "RELU", "RELU_6"} <= set(names)
    assert messages.enum_names("object_detection.protos.Ssd") == ()


def test_every_message_of_the_sources_is_loaded() -> None:
    """Each message named in a .proto has a class, so no file was left out."""
    room = Path(messages.__file__).parent
    names = [
        name
        for path in room.glob("*.proto")
        for name in re.findall(r"^message (\w+)", path.read_text(), re.MULTILINE)
    ]
    assert len(names) > 50
    for name in names:
        assert messages.message_class(name).DESCRIPTOR.name == name


def test_every_field_number_of_the_sources_is_loaded() -> None:
    """Names and numbers in the .proto files and in the descriptors are the same."""
    room = Path(messages.__file__).parent
    written = sorted(
        pair
        for path in room.glob("*.proto")
        for pair in re.findall(
            r"^ +(?:(?:optional|repeated) )?[\w<>, ]+ (\w+) = (\d+)(?: \[.*\])?;",
            # The values of enums look alike, but for the type in front of the name.
            re.sub(r"enum \w+ \{[^}]*\}", "", path.read_text()),
            re.MULTILINE,
        )
    )
    files = descriptor_pb2.FileDescriptorSet.FromString(messages.DESCRIPTORS.read_bytes())
    loaded: list[tuple[str, str]] = []
    waiting = [message for file in files.file for message in file.message_type]
    while waiting:
        message = waiting.pop()
        waiting.extend(n for n in message.nested_type if not n.options.map_entry)
        loaded.extend((field.name, str(field.number)) for field in message.field)
    assert written == sorted(loaded)


def test_nested_message_has_a_class() -> None:
    """A nested message is found by its outer and its own name."""
    assert messages.message_class("Ssd.MaskHead")().mask_height == 15


def test_unknown_message_is_an_error() -> None:
    """A name that no .proto has is refused."""
    with pytest.raises(KeyError, match="NoSuchMessage"):
        messages.message_class("NoSuchMessage")


def test_the_default_pool_stays_free() -> None:
    """An OD API in the same process could still register its own messages."""
    with pytest.raises(KeyError):
        descriptor_pool.Default().FindMessageTypeByName("object_detection.protos.Ssd")


# The compiler is in the dev extra only; a run without it has the tests above.
if importlib.util.find_spec("grpc_tools"):

    def test_committed_descriptors_are_those_of_the_sources(tool: ModuleType) -> None:
        """Compiling the .proto files again gives what pipeline.binpb holds."""
        committed = descriptor_pb2.FileDescriptorSet.FromString(messages.DESCRIPTORS.read_bytes())
        assert tool.compiled_descriptors() == committed
        assert tool.main(["--check"]) == 0

    def test_check_finds_stale_descriptors(
        tool: ModuleType,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """--check fails on a missing or older file, and a plain run repairs it."""
        monkeypatch.setattr(tool, "TARGET", tmp_path / "pipeline.binpb")
        assert tool.main(["--check"]) == 1
        assert "run tools/compile_protos.py" in capsys.readouterr().err
        assert tool.main([]) == 0
        assert tool.main(["--check"]) == 0
        assert [path.name for path in tmp_path.iterdir()] == ["pipeline.binpb"]

    def test_wrong_source_is_an_error(tool: ModuleType, tmp_path: Path) -> None:
        """A .proto that does not compile is told by the compiler's status."""
        room = tmp_path / "validation" / "pipeline"
        room.mkdir(parents=True)
        (room / "broken.proto").write_text('syntax = "proto2"; message {')
        with pytest.raises(RuntimeError, match="protoc ended with status 1"):
            tool.compiled_descriptors(tmp_path)
