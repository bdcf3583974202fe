"""The outline finds every field, and how far each unknown one reaches."""

import pytest

from validation.errors import ConfigError
from validation.pipeline.messages import message_class
from validation.pipeline.outline import Outline, blanked, outline

ROOT = message_class("TrainEvalPipelineConfig").DESCRIPTOR


def outlined(text: str) -> Outline:
    return outline(text, ROOT, "toy.config")


def test_known_fields_have_lines(config_text: str) -> None:
    """Each dotted path leads to its first line, whatever notation its message uses."""
    found = outlined(config_text)
    assert found.lines["model.ssd.num_classes"] == 4
    assert found.lines["model.ssd.feature_extractor.conv_hyperparams.batch_norm.epsilon"] == 14
    assert found.lines["model.ssd.anchor_generator.ssd_anchor_generator.aspect_ratios"] == 31
    assert found.unclosed is None


def test_unknown_fields_of_a_full_text(config_text: str) -> None:
    """Only the content of the empty messages is unknown."""
    found = outlined(config_text)
    assert {field.path for field in found.unknown} == {
        "model.ssd.matcher",
        "model.ssd.similarity_calculator",
        "model.ssd.loss",
        "train_config",
        "train_input_reader",
        "eval_input_reader",
    }
    assert [field.start for field in found.unknown] == sorted(f.start for f in found.unknown)


@pytest.mark.parametrize(
    "junk",
    [
        "junk: 1",
        "junk: -1.5e-3,",
        "junk: - 1.5;",
        "junk: 'a # no comment } here' ",
        'junk: "it\'s \\" {" " more"',
        "junk { }",
        "junk: { a: 1 b < c: '}' > }",
        "junk < a [ { b: 1 }, { b: 2 } ] >",
        "junk: [ 1, 2,\n 3 ]",
        "junk: [],",
        "[some.package.extension] { a: 1 }",
        "junk { # }\n a: 1 }",
        "junk\n:\n1",
    ],
)
def test_extent_of_an_unknown_field(junk: str) -> None:
    """From its name to the end of its value and separator, and no further."""
    text = f"graph_rewriter {{ {junk} quantization {{ delay: 5 }} }}"
    (field,) = outlined(text).unknown
    assert text[field.start : field.end] == junk.strip()
    assert field.dotted in {"graph_rewriter.junk", "graph_rewriter.[some.package.extension]"}


def test_blanking_keeps_lines_and_columns() -> None:
    """What follows a blanked field stays where it was."""
    text = "graph_rewriter {\n junk: [ 1,\r\n 2 ]\n quantization {} }"
    without = blanked(text, outlined(text).unknown)
    assert without == "graph_rewriter {\n           \r\n    \n quantization {} }"
    assert len(without) == len(text)


def test_fields_inside_an_unknown_value() -> None:
    """Names at any depth are told with their lines, values and strings are not."""
    text = "train_config { junk { a: b\n c < d: 'e: f' > } }"
    (field,) = outlined(text).unknown
    assert field.inner == (("a", 1), ("c", 2), ("d", 2))


def test_value_may_be_missing() -> None:
    """A name without a value ends with itself."""
    (field,) = outlined("train_config { junk }").unknown
    assert (field.start, field.end) == (15, 19)


def test_open_end_is_told() -> None:
    """The first brace that nothing closes is named by its line."""
    assert outlined("model {\n ssd {\n } ").unclosed == 1


@pytest.mark.parametrize("text", ["model { : }", "model { 'a': 1 }", "model { , }", "; 1 : 2"])
def test_what_is_no_field_is_left_to_the_parser(text: str) -> None:
    """The outline finds no unknown field where there is no field."""
    assert outlined(text).unknown == ()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("model {\n a: 'open\n }", r"without its closing quote \(toy.config, line 2\)"),
        ("model { }\n }", r"'}' where nothing is open \(toy.config, line 2\)"),
        ("model {\n x: [ 1 }", r"'}' where '\[' of line 2 is open \(toy.config, line 2\)"),
        ("model <\n }", r"'}' where '<' of line 1 is open \(toy.config, line 2\)"),
    ],
)
def test_broken_text_is_refused(text: str, complaint: str) -> None:
    """A string or a brace that does not end is named with its line."""
    with pytest.raises(ConfigError, match=complaint):
        outlined(text)
