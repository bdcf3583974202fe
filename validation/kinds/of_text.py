"""Texts told apart: proto text, JSON, XML, web pages, Git LFS pointers."""

from __future__ import annotations

import re
from pathlib import Path

from validation.kinds.kind import Kind, Recognised

_LFS = re.compile(r"version https?://(?:git-lfs\.github\.com|hawser\.github\.com)/spec/")
_LFS_SIZE = re.compile(r"^size (\d+)$", re.MULTILINE)
_WEB_PAGE = re.compile(
    r"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|title|script|meta)\b",
    re.IGNORECASE | re.DOTALL,
)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_ROOT_ELEMENT = re.compile(
    r"(?:<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>]*>|\s)*<([A-Za-z_][\w.:-]*)", re.DOTALL
)
_FIRST_FIELD = re.compile(r"(?:\s|#[^\n]*(?:\n|$))*([A-Za-z_]\w*)\s*[:{<]")
# Fields of the messages' roots: TrainEvalPipelineConfig, GraphDef, MetaGraphDef, SavedModel.
_CONFIG_FIELDS = frozenset(
    {
        "model",
        "train_config",
        "train_input_reader",
        "train_input_config",
        "eval_config",
        "eval_input_reader",
        "eval_input_config",
        "graph_rewriter",
    }
)
_GRAPH_FIELDS = frozenset({"node", "versions", "version", "library"})
_OTHER_FIELDS = {
    "item": Kind.LABEL_MAP,
    "meta_graphs": Kind.SAVED_MODEL,
    "saved_model_schema_version": Kind.SAVED_MODEL,
    "model_checkpoint_path": Kind.CHECKPOINT_LIST,
    "layer": Kind.CAFFE,
    "layers": Kind.CAFFE,
    "input_dim": Kind.CAFFE,
}
# The layers that OpenCV's tf_text_graph_ssd.py puts in the place of the post-processing.
_OPENCV = re.compile(r'op\s*:\s*"(?:DetectionOutput|PriorBox)"')
_CAFFE = re.compile(r"^\s*(?:name\s*:[^\n]*\n\s*)?(?:input\s*:|layers?\s*\{)")
_DARKNET = re.compile(r"\s*\[net(?:work)?\]")
_BY_SUFFIX = {".config": Kind.CONFIG, ".pbtxt": Kind.GRAPH_TEXT}
_XML_ROOTS = {"annotation": Kind.VOC_XML, "net": Kind.OPENVINO, "Error": Kind.WEB_PAGE}
_RESULTS = re.compile(r'\[\s*\{[^{}]*"(?:image_id|score)"')
# The same list inside an object, or one object a line.
_RESULTS_INSIDE = re.compile(
    r'\{\s*"(?:annotations|detections|predictions|results)"\s*:\s*\[\s*\{[^{}]*"score"'
)
_RESULT_LINE = re.compile(r'\{(?=[^{}\n]*"score")(?=[^{}\n]*"bbox")[^{}\n]*\}[ \t\r]*(?:\n|$)')
_COCO_PARTS = ("images", "annotations", "categories")
# Lines that are looked at.
_MOST_NAMES = 200
# A line of a list of class names: words, with a number before them or without; or a gap.
_NAME_LINE = re.compile(r"(?:\d+[\s:,]\s*)?[^\W\d_][\w '&/-]{0,60}|\?\?\?|n/a", re.IGNORECASE)


def text_kind(path: Path, head: str, tail: str) -> Recognised:
    """What a text is.

    Args:
        path: The file; its suffix decides where the text does not.
        head: How it begins.
        tail: How it ends; overlaps the head where the text is short.
    """
    kind, detail = _by_content(head, tail)
    # Their readers say what is wrong with them, and where.
    if kind is Kind.TEXT and path.suffix in _BY_SUFFIX:
        return Recognised(path, _BY_SUFFIX[path.suffix], by_suffix=True)
    return Recognised(path, kind, detail)


def _by_content(head: str, tail: str) -> tuple[Kind, str]:
    text = head.removeprefix("\ufeff").lstrip()
    if _LFS.match(text):
        size = _LFS_SIZE.search(text)
        return Kind.LFS_POINTER, f"to a file of {size[1]} bytes that is not here" if size else ""
    if text.startswith("<"):
        return _markup_kind(text)
    if text.startswith(("{", "[")) and not _DARKNET.match(text):
        return _json_kind(text, tail), ""
    if _DARKNET.match(text):
        return Kind.DARKNET, ""
    return _proto_text_kind(text, tail)


def _markup_kind(text: str) -> tuple[Kind, str]:
    if _WEB_PAGE.match(text):
        title = _TITLE.search(text)
        words = " ".join(title[1].split())[:80] if title else ""
        return Kind.WEB_PAGE, f"with the title {words!r}" if words else ""
    root = _ROOT_ELEMENT.match(text)
    name = root[1] if root else ""
    return _XML_ROOTS.get(name, Kind.XML), f"with the root <{name}>" if name else ""


def _json_kind(text: str, tail: str) -> Kind:
    def has(key: str) -> bool:
        return f'"{key}"' in text or f'"{key}"' in tail

    if _RESULTS.match(text):
        return Kind.COCO_RESULTS
    if text.startswith("{"):
        first_line = text.partition("\n")[0]
        if '"kind": "header"' in first_line:
            return Kind.RECORD
        if sum(has(part) for part in _COCO_PARTS) >= 2:
            return Kind.COCO_ANNOTATIONS
        if _RESULTS_INSIDE.match(text) or _RESULT_LINE.match(text):
            return Kind.COCO_RESULTS
        if has("modelTopology") or has("weightsManifest"):
            return Kind.TFJS
    return Kind.JSON


def _proto_text_kind(text: str, tail: str) -> tuple[Kind, str]:
    match = _FIRST_FIELD.match(text)
    field = match[1] if match else ""
    if field in _GRAPH_FIELDS:
        return (Kind.OPENCV_TEXT if _OPENCV.search(text + tail) else Kind.GRAPH_TEXT), ""
    if _CAFFE.match(text):
        return Kind.CAFFE, ""
    if field in _CONFIG_FIELDS:
        return Kind.CONFIG, ""
    if field in _OTHER_FIELDS:
        return _OTHER_FIELDS[field], ""
    if _is_list_of_names(text):
        return Kind.NAMES, ""
    return Kind.TEXT, f"that begins {' '.join(text[:40].split())!r}" if text else ""


def _is_list_of_names(text: str) -> bool:
    """True where each line of two or more is a name; the last one may be cut."""
    lines = [line.strip() for line in text.splitlines()]
    names = [line for line in lines[:_MOST_NAMES] if line]
    return len(names) > 1 and all(_NAME_LINE.fullmatch(name) for name in names)
