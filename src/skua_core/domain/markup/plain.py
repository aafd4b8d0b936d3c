"""No markup at all: every character stands for itself, placeholders excepted."""

import re

from skua_core.domain.markup.builder import ParsedText, TextBuilder

_BRACES = re.compile(r"\{[{%#]")


def parse_plain(source: str) -> ParsedText:
    """Raises MarkupInvalid."""
    builder = TextBuilder(source)
    position = 0
    while braces := _BRACES.search(source, position):
        builder.add_text(source[position : braces.start()])
        position = builder.add_slot(braces.start())
    builder.add_text(source[position:])
    return builder.finish()
