"""The facts of a pipeline.config as text."""

from __future__ import annotations

from validation.inspection.of_config import AnchorFacts, ConfigFacts
from validation.inspection.text import Section, laid_out, preprocessing_section, value


def text_of_config(facts: ConfigFacts) -> str:
    """The model first, then what can go wrong, then the fields."""
    sections = [
        Section("Model", model_rows(facts)),
        preprocessing_section(facts.preprocessing),
        Section("Problems", tuple((problem,) for problem in facts.problems)),
        Section("Read otherwise than written", tuple((notice,) for notice in facts.notices)),
        Section(
            "Fields that the graph depends on",
            tuple(
                (f"line {field.line}" if field.line else "", field.name, field.value)
                for field in facts.matters
            ),
        ),
        Section(
            "Read by training only",
            tuple((f"line {line}", name) for name, line in facts.ignored.items()),
        ),
        Section(
            "Unknown and dropped",
            tuple((f"line {each.line}", each.name, each.reason) for each in facts.dropped),
        ),
    ]
    return laid_out(f"{facts.file}: the pipeline.config of an SSD", sections)


def model_rows(facts: ConfigFacts) -> tuple[tuple[str, str], ...]:
    """The architecture in a few rows."""
    quantised = facts.quantised
    scales = facts.box_coder_scales
    rows = [
        ("extractor", f"{facts.extractor or 'not set'}, depth {facts.depth_multiplier:g}"),
        ("classes", value(facts.num_classes) if facts.num_classes else "not set"),
        ("anchors", _anchors(facts.anchors)),
        ("box predictor", facts.box_predictor or "none"),
        (
            "box coder",
            ", ".join(f"{name}_scale {scale:g}" for name, scale in zip("yxhw", scales, strict=True))
            if scales
            else "none that TFLite decodes",
        ),
        ("scores", f"{facts.score_converter}, logits divided by {facts.logit_scale:g}"),
        (
            "NMS",
            f"score_threshold {facts.score_threshold:.7g}, iou_threshold {facts.iou_threshold:.7g}",
        ),
        (
            "detections",
            f"{facts.max_detections_per_class} for each class, {facts.max_total_detections} in all",
        ),
        (
            "quantised",
            f"trained with FakeQuant nodes: weights {quantised.weight_bits} bits, activations "
            f"{quantised.activation_bits} bits"
            if quantised
            else "no",
        ),
    ]
    if facts.use_moving_averages:
        rows.append(("weights", "the checkpoint's moving averages"))
    return tuple(rows)


def _anchors(facts: AnchorFacts | None) -> str:
    if facts is None:
        return "none that can be built"
    cells = ", ".join(map(str, facts.per_cell))
    total = f"; {facts.count} in all" if facts.count is not None else ""
    return f"{facts.generator}: {cells} in a cell of each feature map{total}"
