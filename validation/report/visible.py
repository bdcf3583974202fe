"""Text of any origin on a page: no character of it reorders or hides the text beside it.

Names come from files of any origin. Escaped markup is not enough: an override of the direction
of writing in one name turns round the figures and the verdict behind it.
"""

from __future__ import annotations

import re
from typing import Any

# Control characters but tab and newline, what directs bidirectional text, the end of a paragraph,
# and halves of surrogate pairs. What joins letters is part of how some languages are written.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2029-\u202e\u2066-\u2069\ud800-\udfff]"
)


def needs_escapes(text: str) -> bool:
    """Whether a page cannot show a text as it is."""
    return _HIDDEN.search(text) is not None


def visible(value: Any) -> Any:
    """What a template writes: text with such characters as escapes, anything else as it is."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    return _HIDDEN.sub(lambda match: repr(match[0])[1:-1], value)
