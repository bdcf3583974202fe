"""What is let pass, what is refused, and that nothing gets lost in silence."""

import re
from typing import Any

import pytest
from google.protobuf import text_format
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import ConfigError
from validation.pipeline.messages import message_class
from validation.pipeline.reader import read_text

ROOT = message_class("TrainEvalPipelineConfig").DESCRIPTOR
# Their place is known, so inside another message they are misplaced and not junk.
PLACED = {
    field.name
    for name in ("TrainEvalPipelineConfig", "DetectionModel", "Ssd")
    for field in message_class(name).DESCRIPTOR.fields
}
# Messages in which anything may stand, and those that say what model it is.
LENIENT = {
    "CalibrationConfig",
    "DetectionModel",
    "EvalConfig",
    "Initializer",
    "InputReader",
    "Loss",
    "Matcher",
    "RegionSimilarityCalculator",
    "Regularizer",
    "TrainConfig",
}
few = settings(max_examples=40, deadline=None)

names = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True).filter(
    lambda name: name not in PLACED
)
scalars = st.one_of(
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["true", "ENUM_VALUE", "- 2", "1e-8", "nan"]),
    st.text(st.sampled_from("ab{}[]<>#:;, '"), max_size=8).map(lambda text: f'"{text}"'),
    st.just("'one' \"two # }\""),
)


def _fields(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    field = st.tuples(names, values, st.sampled_from(["", ",", ";", " # } {\n", "\n"]))
    return st.lists(field.map(lambda parts: " ".join(parts)), max_size=3).map(" ".join)


junk_values = st.recursive(
    st.one_of(
        scalars.map(": {}".format),
        st.lists(scalars, max_size=3).map(lambda items: f": [{', '.join(items)}]"),
    ),
    lambda inner: st.one_of(
        _fields(inner).map("{{ {} }}".format),
        _fields(inner).map(": < {} >".format),
        _fields(inner).map(": [ {{ {} }}, {{}} ]".format),
    ),
    max_leaves=6,
)


@given(junk=_fields(junk_values))
@few
def test_junk_outside_inference_changes_nothing(junk: str) -> None:
    """Whatever stands in training-only parts, the message is the same and so are the lines."""
    text = "model {{ ssd {{ num_classes: 3 loss {{ {0} }} }} }} train_config {{ {0} }}\nnonsense: 1"
    plain, full = text.format("a: 1"), text.format(junk)
    for variant in (plain, full):
        with pytest.raises(ConfigError, match=rf"'nonsense'.*line {variant.count(chr(10)) + 1}"):
            read_text(variant, "toy")
    whole = read_text(full.replace("nonsense: 1", ""), "toy")
    assert whole.message == read_text(plain.replace("nonsense: 1", ""), "toy").message
    assert whole.dropped == ()


def test_content_of_training_parts_is_told_as_skipped(config_text: str) -> None:
    """Each part that was not looked at is listed once, and nothing is listed as dropped."""
    read = read_text(config_text, "toy")
    assert read.skipped == (
        "model.ssd.matcher",
        "model.ssd.similarity_calculator",
        "model.ssd.loss",
        "train_config",
        "train_input_reader",
        "eval_input_reader",
    )
    assert read.dropped == ()
    assert read.message.HasField("train_config")
    assert len(read.message.eval_input_reader) == 3


@pytest.mark.parametrize(
    ("place", "field", "name"),
    [
        ("use_depthwise: true", "batch_norm_trainable: true", "model.ssd.feature_extractor"),
        ("num_classes: 7", "weight_regression_loss_by_score: true", "model.ssd"),
        ("num_classes: 7", "use_expected_classification_loss_under_sampling: 1", "model.ssd"),
        ("num_classes: 7", "minimum_negative_sampling: 1.0", "model.ssd"),
        ("num_classes: 7", "min_num_negative_samples: 1.0", "model.ssd"),
        ("num_classes: 7", "desired_negative_sampling_ratio: 3", "model.ssd"),
        ("num_examples: 12", "fancy_metric { at: 0.5 }", "eval_config"),
        ("num_examples: 12", "parameterized_metric { fancy: 1 }", ""),
        ("stddev: 0.03", "seed: 3", "model.ssd.feature_extractor.conv_hyperparams"),
        ("weight: 4e-5", "decoupled: true", "model.ssd.feature_extractor.conv_hyperparams"),
    ],
)
def test_field_without_effect_on_inference_is_dropped(
    config_text: str, place: str, field: str, name: str
) -> None:
    """It is listed with its path, its line and the reason, and the rest is as without it."""
    read = read_text(config_text.replace(place, f"{place} {field}"), "toy")
    plain = read_text(config_text, "toy").message
    if name:
        (dropped,) = read.dropped
        assert dropped.name.startswith(name)
        assert dropped.name.endswith("." + re.split("[: ]", field)[0])
        assert config_text.split("\n")[dropped.line - 1].count(place) == 1
        assert "inference" in dropped.reason
        assert read.message == plain
    else:
        assert read.skipped[-2:] == ("eval_config.parameterized_metric", "eval_input_reader")


@pytest.mark.parametrize(
    ("place", "field", "complaint"),
    [
        ("use_depthwise: true", "use_dephtwise: 1", "SsdFeatureExtractor.*'use_depthwise'"),
        ("num_classes: 7", "num_class: 3", r"Ssd \(toy, line 4, model.ssd.num_class\).*num_clas"),
        ("score_converter: SIGMOID", "logits_scale: 2", "PostProcessing.*'logit_scale'"),
        ("kernel_size: 3", "mask_head {}", "ConvolutionalBoxPredictor.*did you mean"),
        ("delay: 100", "weight_bit: 4", "Quantization.*'weight_bits'"),
        ("quantization {", "} sparsity {", "GraphRewriter.*line 64.*'quantization'"),
        ("num_examples: 12", "use_moving_average: true", "EvalConfig.*'use_moving_averages'"),
        ("num_examples: 12", "moving_averages: true", "EvalConfig.*'use_moving_averages'"),
        ("model {", "} modell {", r"unknown field 'modell' in TrainEvalPipelineConfig.*'model'"),
        ("model {", "detr {} ", "unknown field 'detr' in DetectionModel"),
        ("quantization {", "} [my.extension] {", r"'\[my.extension\]' in GraphRewriter"),
    ],
)
def test_unknown_field_that_may_matter_is_refused(
    config_text: str, place: str, field: str, complaint: str
) -> None:
    """The error names the field, its message, its line and the closest known field."""
    with pytest.raises(ConfigError, match=complaint):
        read_text(config_text.replace(place, f"{place} {field}", 1), "toy")


def _strict_messages() -> list[tuple[tuple[str, ...], Any]]:
    """Path and descriptor of every message in which an unknown field is refused."""
    found: list[tuple[tuple[str, ...], Any]] = [((), ROOT)]
    waiting: list[tuple[tuple[str, ...], Any]] = [
        (("model", "ssd"), message_class("Ssd").DESCRIPTOR)
    ]
    waiting += [(("graph_rewriter",), message_class("GraphRewriter").DESCRIPTOR)]
    while waiting:
        path, descriptor = waiting.pop()
        found.append((path, descriptor))
        waiting += [
            ((*path, field.name), field.message_type)
            for field in descriptor.fields
            if field.message_type is not None and field.message_type.name not in LENIENT
        ]
    return [place for place in found if place[1].fields]


@given(data=st.data())
@few
def test_misspelt_field_is_refused_with_the_right_name(data: st.DataObject) -> None:
    """One doubled letter, anywhere in the part that matters, and the error knows the field."""
    path, descriptor = data.draw(st.sampled_from(_strict_messages()))
    name = data.draw(st.sampled_from([field.name for field in descriptor.fields]))
    at = data.draw(st.integers(0, len(name) - 1))
    misspelt = name[:at] + name[at] + name[at:]
    text = " ".join(f"{part} {{" for part in path) + f"\n{misspelt}: 1\n" + "}" * len(path)
    where = rf"\(toy, line 2, {'.'.join((*path, misspelt))}\)"
    complaint = (
        rf"unknown field '{misspelt}' in {descriptor.name} {where}.*did you mean '{name}'\?$"
    )
    with pytest.raises(ConfigError, match=complaint):
        read_text(text, "toy")


def _filled(descriptor: Any, data: st.DataObject) -> Any:
    """A message with some of its fields set, at every depth."""
    message = message_class(descriptor.full_name.removeprefix("object_detection.protos."))()
    chosen = data.draw(st.sets(st.sampled_from([f.name for f in descriptor.fields] or [""])))
    for field in descriptor.fields:
        together = field.containing_oneof
        if field.name not in chosen or field.name == "super_categories":
            continue
        if together is not None and message.WhichOneof(together.name) is not None:
            continue
        if field.message_type is not None:
            part = _filled(field.message_type, data)
            if isinstance(getattr(message, field.name), Message):
                getattr(message, field.name).CopyFrom(part)
            else:
                getattr(message, field.name).append(part)
            continue
        if field.enum_type is not None:
            values = st.sampled_from([value.number for value in field.enum_type.values])
        else:
            values = {
                field.CPPTYPE_BOOL: st.booleans(),
                field.CPPTYPE_FLOAT: st.floats(width=32, allow_nan=False),
                field.CPPTYPE_INT32: st.integers(-(2**31), 2**31 - 1),
                field.CPPTYPE_UINT32: st.integers(0, 2**32 - 1),
                field.CPPTYPE_STRING: st.text(st.characters(exclude_categories=["Cs"])),
            }[field.cpp_type]
        if hasattr(getattr(message, field.name), "extend"):
            getattr(message, field.name).extend(data.draw(st.lists(values, max_size=3)))
        else:
            setattr(message, field.name, data.draw(values))
    return message


@given(data=st.data(), one_line=st.booleans(), brackets=st.booleans())
@few
def test_known_fields_survive_the_text(data: st.DataObject, one_line: bool, brackets: bool) -> None:
    """Any subset of known fields, printed in any notation, is read back as it was."""
    message = _filled(ROOT, data)
    text = text_format.MessageToString(
        message, as_one_line=one_line, use_short_repeated_primitives=brackets
    )
    if not text:
        text = "eval_config {}"
        text_format.Parse(text, message)
    read = read_text(text, "toy")
    assert read.message == message
    assert (read.dropped, read.skipped) == ((), ())


def test_braces_cannot_move_in_silence(config_text: str) -> None:
    """A closing brace taken away and put at the end never changes what is read."""
    plain = read_text(config_text, "toy").message
    braces = [match.start() for match in re.finditer("}", config_text)]
    refused = 0
    for at in braces:
        for moved in ("}", ""):
            text = config_text[:at] + config_text[at + 1 :] + moved
            try:
                assert read_text(text, "toy").message == plain
            except ConfigError as error:
                assert "line" in str(error)
                refused += 1
    assert refused > len(braces)


def test_missing_brace_is_told_where_it_is_missed() -> None:
    """The field that ended up in the wrong message is named, not the end of the file."""
    text = "model { ssd {} }\ntrain_config {\n optimizer {\n }\neval_config { max_evals: 1 }"
    complaint = r"'eval_config' of TrainEvalPipelineConfig is inside train_config \(toy, line 5\)"
    with pytest.raises(ConfigError, match=complaint):
        read_text(text, "toy")
    with pytest.raises(ConfigError, match=r"'eval_config' of .* \(toy, line 4\).*closing brace"):
        read_text(text.replace("\n }", ""), "toy")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", r"the file is empty \(toy, line 1\)"),
        (" \n# only a comment", r"the file is empty \(toy, line 1\)"),
        ("\ufeff", "the file is empty"),
        ("model {\n\0}", r"not a text file \(toy, line 2\): .*got a zero byte; give the pipeline"),
        ("model {\n ssd {\n}", r"the brace opened here is never closed \(toy, line 1\)"),
        (
            "model { ssd {\n num_classes: many } }",
            r"parsed: Couldn't parse integer: many \(toy, line 2\)",
        ),
        ("model { ssd {}\n faster_rcnn {} }", r"another member of oneof.*line 2\)"),
        ("model { ssd { num_classes: 9 zero } }", "unknown field 'zero'"),
        ("model { ssd { num_classes 9 zero: 1 } }", 'cannot be parsed: Expected ":"'),
        ("model { ssd {\n: 1 } }", r"cannot be parsed: Expected .* \(toy, line 2\)"),
        (
            "model { ssd { mask_head_config { conv_hyperparams { group_norm { groups: 2 } } } } }",
            "'groups' in GroupNorm .*it has no fields",
        ),
        ("<html>\n</html>", "cannot be parsed: Expected identifier"),
        ("syntax = 'proto2';", r"unknown field 'syntax' in TrainEvalPipelineConfig"),
        (
            "model { ssd { post_processing { score_converter: RELU } } }",
            "parsed: .*no value named RELU",
        ),
    ],
)
def test_broken_text_is_refused(text: str, complaint: str) -> None:
    """Whatever is no pipeline.config is refused, with its line."""
    with pytest.raises(ConfigError, match=complaint):
        read_text(text, "toy")


@pytest.mark.parametrize(
    ("text", "classes", "notice"),
    [
        (
            "model { ssd {\n num_classes: 1\n num_classes: 2 } }",
            2,
            "line 3: model.ssd.num_classes is set again, after line 2; the last one is read",
        ),
        (
            "model { ssd { num_classes: 3 } }\nmodel { ssd { encode_background_as_zeros: true } }",
            3,
            "line 2: model is set again, after line 1; both are merged",
        ),
    ],
)
def test_of_a_field_that_is_set_twice_the_last_holds(text: str, classes: int, notice: str) -> None:
    """As the OD API reads a config, and with both lines."""
    read = read_text(text, "toy")
    assert read.message.model.ssd.num_classes == classes
    assert read.notices[0] == notice


def test_the_value_that_holds_is_where_an_error_points() -> None:
    """Not the first line that sets it."""
    text = "model { ssd {\n num_classes: 1\n num_classes: 0 } }"
    assert read_text(text, "toy").lines["model.ssd.num_classes"] == 3


@pytest.mark.parametrize(
    "quoted", ["\u201cssd_x\u201d", "\u2018ssd_x\u2019", "\u201essd_x\u201c", '\u201cssd_x"']
)
def test_curly_quotes_are_quotes(quoted: str) -> None:
    """As a word processor writes them; a comment and a plain string keep theirs."""
    text = (
        "# \u201ca comment\u201d\n"
        f"model {{ ssd {{ feature_extractor {{\n type: {quoted} }} }} }}\n"
        'model { ssd { feature_extractor { spaghettinet_arch_name: "\u201cx\u201d" } } }'
    )
    read = read_text(text, "toy")
    assert read.message.model.ssd.feature_extractor.type == "ssd_x"
    assert read.message.model.ssd.feature_extractor.spaghettinet_arch_name == "\u201cx\u201d"
    assert read.notices[0] == "line 3: curly quotes are read as straight ones"


def test_byte_order_mark_is_let_pass() -> None:
    """Editors of some systems write one."""
    assert read_text("\ufeffmodel { ssd {} }", "toy").message.model.HasField("ssd")


tokens = st.sampled_from(
    [*"{}<>[]:;,#'\"-\n \\\t", "model", "ssd", "loss", "train_config", "eval_config", "1", "x"]
)


@given(text=st.one_of(st.text(), st.lists(tokens).map(" ".join), st.lists(tokens).map("".join)))
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but ConfigError comes out, and it names a line."""
    try:
        assert read_text(text, "toy").lines
    except ConfigError as error:
        assert re.search(r"\(toy, line \d+", str(error))
