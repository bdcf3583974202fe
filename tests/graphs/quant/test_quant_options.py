"""graph_rewriter as options, and the release that a checkpoint's names tell."""

import pytest

from validation.errors import ConfigError
from validation.graphs.quant.options import (
    QuantisationOptions,
    Sums,
    quantisation_options,
    sums_of,
)
from validation.pipeline.config import parse_pipeline

_MODEL = 'model { ssd { feature_extractor { type: "ssd_mobilenet_v1" } } }\n'


def _config(rewriter: str):
    return parse_pipeline(_MODEL + rewriter, "a/pipeline.config")


@pytest.mark.parametrize("rewriter", ["", "graph_rewriter { }"])
def test_float_models_have_none(rewriter: str) -> None:
    """An empty graph_rewriter rewrites nothing."""
    assert quantisation_options(_config(rewriter)) is None


def test_bits_are_read() -> None:
    """8 and 8 where the config says nothing; delay and symmetric matter to training only."""
    empty = _config("graph_rewriter { quantization { } }")
    assert quantisation_options(empty) == QuantisationOptions(8, 8, Sums.ADD_V2)
    full = _config(
        "graph_rewriter { quantization { delay: 5 symmetric: true weight_bits: 4 "
        "activation_bits: 16 } }"
    )
    assert quantisation_options(full, sums=Sums.NONE) == QuantisationOptions(4, 16, Sums.NONE)


@pytest.mark.parametrize("name", ["weight_bits", "activation_bits"])
@pytest.mark.parametrize("bits", [0, 1, 17, 32])
def test_bits_that_the_op_lacks_are_refused(name: str, bits: int) -> None:
    """With the line that asks for them."""
    text = f"graph_rewriter {{\n quantization {{\n {name}: {bits}\n }}\n}}"
    with pytest.raises(
        ConfigError, match=rf"{name} .*line 4, graph_rewriter.*{name}.*2 to 16, got {bits}"
    ):
        quantisation_options(_config(text))


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        (["a/act_quant"], Sums.NONE),
        ([], Sums.NONE),
        (["a/act_quant", "b/add/activation_Add_quant"], Sums.ADD),
        (["b/mul/activation_Mul_quant"], Sums.ADD),
        (["b/add/activation_AddV2_quant", "b/mul/activation_Mul_quant"], Sums.ADD_V2),
    ],
)
def test_release_is_told_by_names(scopes: list[str], expected: Sums) -> None:
    """Whether and how sums are named differs from release to release."""
    names = ["global_step", "Conv/weights", *(f"{scope}/min" for scope in scopes)]
    assert sums_of(names) is expected
