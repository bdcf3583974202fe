"""When two names are one name, written by two people."""

from __future__ import annotations

import re
import unicodedata

# What people write between the words of a name: blanks, underscores, hyphens and dashes.
_SEPARATORS = re.compile(r"[\s_\-\u2010-\u2015]+")


def plain(name: str) -> str:
    """A name without what people write differently: case, and what separates words."""
    text = unicodedata.normalize("NFKC", name).casefold()
    return _SEPARATORS.sub(" ", text).strip() or text
