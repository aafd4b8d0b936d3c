"""Whether a text may be what a message came to for somebody, whoever that was then."""

from collections.abc import Iterator

from skua_core.domain.content import CompiledMessage
from skua_core.domain.markup.cleaning import TRIMMED


def is_like(compiled: CompiledMessage, text: str) -> bool:
    """Whether one of its wordings gives that text for some values or other.

    Values change, so what a subscriber's are today tells nothing about the text of yesterday. A
    message of nothing but placeholders is like no text, for it would be like all.
    """
    wordings = (compiled, *compiled.variants.values())
    return any(_fits([*_pieces(each)], text.strip(TRIMMED)) for each in wordings)


def _pieces(compiled: CompiledMessage) -> Iterator[str]:
    """What stands before, between and after its slots."""
    text, start = compiled.skeleton.text, 0
    for slot in compiled.slots:
        yield text[start : slot.position]
        start = slot.position
    yield text[start:]


def _fits(pieces: list[str], text: str) -> bool:
    first, last = pieces[0].lstrip(TRIMMED), pieces[-1].rstrip(TRIMMED)
    if len(pieces) == 1:
        return bool(text) and text == first.rstrip(TRIMMED)
    if not any(piece.strip(TRIMMED) for piece in pieces):
        return False
    if not text.startswith(first.rstrip(TRIMMED)) or not text.endswith(last.lstrip(TRIMMED)):
        return False
    at = len(first.rstrip(TRIMMED))
    for piece in (each.strip(TRIMMED) for each in pieces[1:]):
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return True
