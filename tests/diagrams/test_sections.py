"""Parts of a detector by the OD API's scopes, and by the wiring where a scope says nothing."""

from __future__ import annotations

import pytest
from drawn_graphs import Line, operation_graph

from validation.diagrams.sections import Part, Section, parts_of

_EXTRACTOR = Section.EXTRACTOR
_FEATURES = Section.FEATURES


@pytest.mark.parametrize(
    ("name", "section", "block"),
    [
        ("FeatureExtractor/MobilenetV1/MobilenetV1/Conv2d_0/Relu6", _EXTRACTOR, "Conv2d_0"),
        ("FeatureExtractor/MobilenetV1/MobilenetV1/Conv2d_3_depthwise/r", _EXTRACTOR, "Conv2d_3"),
        ("FeatureExtractor/MobilenetV1/MobilenetV1/Conv2d_3_pointwise/r", _EXTRACTOR, "Conv2d_3"),
        ("FeatureExtractor/MobilenetV2/expanded_conv_9/expand/r", _EXTRACTOR, "expanded_conv_9"),
        ("FeatureExtractor/InceptionV2/InceptionV2/Mixed_3b/Branch_1/c/r", _EXTRACTOR, "Mixed_3b"),
        (
            "FeatureExtractor/resnet_v1_50/resnet_v1_50/block1/unit_2/bottleneck_v1/conv1/Relu",
            _EXTRACTOR,
            "block1/unit_2",
        ),
        (
            "FeatureExtractor/MobilenetV1/Conv2d_13_pointwise_2_Conv2d_3_3x3_s2_256/Relu6",
            _FEATURES,
            "layer 3 after Conv2d_13_pointwise",
        ),
        (
            "FeatureExtractor/MobilenetV1/fpn/top_down/projection_3/BiasAdd",
            _FEATURES,
            "fpn/top_down/projection_3",
        ),
        (
            "FeatureExtractor/MobilenetV1/fpn/bottom_up_Conv2d_14/Relu6",
            _FEATURES,
            "fpn/bottom_up_Conv2d_14",
        ),
        ("BoxPredictor_2/BoxEncodingPredictor/BiasAdd", Section.BOXES, "BoxPredictor_2"),
        ("BoxPredictor_2/ClassPredictor/BiasAdd", Section.CLASSES, "BoxPredictor_2"),
        ("BoxPredictor_2/ClassPredictor_depthwise/Relu6", Section.CLASSES, "BoxPredictor_2"),
        (
            "WeightSharedConvolutionalBoxPredictor_1/BoxPredictionTower/conv2d_0/Conv2D",
            Section.BOXES,
            "WeightSharedConvolutionalBoxPredictor_1",
        ),
        (
            "WeightSharedConvolutionalBoxPredictor_1/ClassPredictionTower/conv2d_0/Conv2D",
            Section.CLASSES,
            "WeightSharedConvolutionalBoxPredictor_1",
        ),
        (
            "WeightSharedConvolutionalBoxPredictor/PredictionTower/conv2d_0/Conv2D",
            Section.HEADS,
            "WeightSharedConvolutionalBoxPredictor",
        ),
        ("MultipleGridAnchorGenerator/add", Section.ANCHORS, "MultipleGridAnchorGenerator"),
        ("Preprocessor/map/while/Exit", Section.PREPROCESSING, "Preprocessor"),
        ("Postprocessor/Decode/add_1", Section.POSTPROCESSING, "Postprocessor/Decode"),
        ("somewhere/else/entirely", Section.OTHER, "somewhere/else"),
        ("", Section.OTHER, ""),
    ],
)
def test_scopes_name_the_part(name: str, section: Section, block: str) -> None:
    """The scope alone says it."""
    graph = operation_graph([("CONV_2D", name, ["image"], (1, 8, 8, 3))])
    assert parts_of(graph) == (Part(section, block),)


def test_joints_take_the_part_of_what_they_read() -> None:
    """Reshape, concat and the score converter have no scope that says which half they are."""
    lines: list[Line] = [
        ("CONV_2D", "BoxPredictor_0/BoxEncodingPredictor/BiasAdd", ["image"], (1, 8, 8, 12)),
        ("RESHAPE", "BoxPredictor_0/Reshape", [""], (1, 192, 4)),
        ("CONV_2D", "BoxPredictor_0/ClassPredictor/BiasAdd", ["image"], (1, 8, 8, 27)),
        ("RESHAPE", "BoxPredictor_0/Reshape_1", [""], (1, 192, 9)),
        ("CONCATENATION", "concat", ["BoxPredictor_0/Reshape"], (1, 192, 4)),
        ("CONCATENATION", "concat_1", ["BoxPredictor_0/Reshape_1"], (1, 192, 9)),
        ("LOGISTIC", "Postprocessor/convert_scores", ["concat_1"], (1, 192, 9)),
        ("ADD", "both", ["concat", "concat_1"], (1,)),
    ]
    for place in (1, 3):
        kind, name, _, shape = lines[place]
        lines[place] = (kind, name, [lines[place - 1][1]], shape)
    sections = [part.section for part in parts_of(operation_graph(lines))]
    boxes, classes = Section.BOXES, Section.CLASSES
    assert sections == [
        *(boxes, boxes, classes, classes),
        *(boxes, classes, classes, Section.OTHER),
    ]


def test_the_cast_of_the_image_belongs_to_the_preprocessor() -> None:
    """It stands in no scope, and nothing else reads it."""
    lines: list[Line] = [
        ("Cast", "ToFloat", ["image"], (1, 8, 8, 3)),
        ("ResizeBilinear", "Preprocessor/Resize", ["ToFloat"], (1, 4, 4, 3)),
    ]
    parts = parts_of(operation_graph(lines))
    assert parts == (Part(Section.PREPROCESSING, "Preprocessor"),) * 2
