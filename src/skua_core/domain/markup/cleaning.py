"""What Telegram does to every text it takes, done beforehand, so that what leaves is what arrives.

The rules were read off ``clean_input_string``, ``fix_formatted_text`` and ``is_empty_string`` of
tdlib (July 2026).
"""

import re
from itertools import chain

_REPLACEMENTS: dict[int, str | None] = {
    **dict.fromkeys(chain(range(0x0A), range(0x0B, 0x0D), range(0x0E, 0x20)), " "),
    **dict.fromkeys((0x0D, 0x030A, 0x0333, 0x033F)),
    # Line and paragraph separator, and the overrides of writing direction.
    **dict.fromkeys(range(0x2028, 0x202F)),
}
_SUSPECT = re.compile(
    r"[\x00-\x09\x0b-\x1f\u030a\u0333\u033f\u200e\u200f\u2028-\u202e\ud800-\udfff]"
)
LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
"""Half a character: no UTF-8 can hold it."""
_DIRECTION_RUN = re.compile(r"[\u200e\u200f]+(?=[\u200e\u200f])")
_BLANK = re.compile(
    r"[ \n\u00a0\u1680\u180e\u2000-\u200f\u202e\u202f\u205f\u2800\u3000\ufeff\ufffc"
    r"\U000e0000-\U000e007f]*+"
)

TRIMMED = " \n"
"""The characters that Telegram takes away at both ends, once a text is clean."""


def clean(text: str) -> str:
    """Replace or drop what can't be part of a message: controls, lone surrogates, overrides."""
    if (text.isascii() and text.isprintable()) or not _SUSPECT.search(text):
        return text
    return shorten_direction_runs(LONE_SURROGATE.sub("\ufffd", text.translate(_REPLACEMENTS)))


def shorten_direction_runs(text: str) -> str:
    """Of several direction marks in a row only the last one counts; the length stays."""
    if "\u200e" not in text and "\u200f" not in text:
        return text
    return _DIRECTION_RUN.sub(lambda run: "\u200c" * len(run[0]), text)


def is_blank(text: str) -> bool:
    """Whether nothing in it can be seen, which Telegram refuses as an empty message."""
    return _BLANK.fullmatch(text) is not None
