"""Random messages as trees, with what they have to look like when they arrive."""

import html

import msgspec
from hypothesis import strategies as st

from skua_core.domain.content import EntityType, Personalisation
from skua_core.domain.markup.builder import QUOTES, STYLES, UNSTYLED
from skua_core.domain.markup.cleaning import clean
from tests.unit.markup.reading import Styled


class Piece(msgspec.Struct, frozen=True):
    """A text, a slot, or something formatted that holds more pieces."""

    text: str = ""
    slot: str = ""
    kind: EntityType | None = None
    inner: tuple["Piece", ...] = ()


Tree = tuple[Piece, ...]

TAGS = {
    EntityType.BOLD: "<b>{}</b>",
    EntityType.ITALIC: "<i>{}</i>",
    EntityType.UNDERLINE: "<u>{}</u>",
    EntityType.STRIKETHROUGH: "<s>{}</s>",
    EntityType.SPOILER: "<tg-spoiler>{}</tg-spoiler>",
    EntityType.BLOCKQUOTE: "<blockquote>{}</blockquote>",
    EntityType.EXPANDABLE_BLOCKQUOTE: "<blockquote expandable>{}</blockquote>",
    EntityType.CODE: "<code>{}</code>",
    EntityType.PRE: "<pre>{}</pre>",
    EntityType.TEXT_LINK: '<a href="https://a.b">{}</a>',
}
EVERY_KIND = frozenset(TAGS)

_TEXTS = st.text("ab <>&\"'*_[]()~`>#+-=|}.!\\\né😀я\u05d0\u200d", min_size=1, max_size=6)
_LEAVES = st.builds(lambda text: Piece(text=text), _TEXTS)
_SLOTS = st.builds(lambda name: Piece(slot=name), st.sampled_from(["first_name", "last_name"]))


def trees(
    kinds: frozenset[EntityType] = EVERY_KIND, *, slots: bool = True, depth: int = 3
) -> st.SearchStrategy[Tree]:
    """Nest only what may be nested; ``kinds`` are those that may stand here."""
    leaves = _LEAVES | _SLOTS if slots else _LEAVES
    if depth == 0 or not kinds:
        return st.lists(leaves, max_size=3).map(tuple)

    def formatted(kind: EntityType) -> st.SearchStrategy[Piece]:
        inside = trees(_allowed_inside(kind, kinds), slots=slots, depth=depth - 1)
        return inside.map(lambda inner: Piece(kind=kind, inner=inner))

    nodes = st.sampled_from(sorted(kinds)).flatmap(formatted)
    return st.lists(leaves | nodes, max_size=4).map(tuple)


def _allowed_inside(kind: EntityType, kinds: frozenset[EntityType]) -> frozenset[EntityType]:
    if kind in UNSTYLED:
        return frozenset()
    if kind is EntityType.TEXT_LINK:
        return kinds & STYLES
    return kinds - QUOTES if kind in QUOTES else kinds - {kind}


def as_html(tree: Tree) -> str:
    return "".join(map(_piece_as_html, tree))


def _piece_as_html(piece: Piece) -> str:
    if piece.kind:
        return TAGS[piece.kind].format(as_html(piece.inner))
    return f"{{{{ {piece.slot} }}}}" if piece.slot else html.escape(piece.text, quote=False)


def expected(
    tree: Tree, values: Personalisation, around: frozenset[EntityType] = frozenset()
) -> Styled:
    """Each character that has to arrive, with the formatting on it."""
    characters: Styled = []
    for piece in tree:
        if piece.kind:
            inside = around - STYLES if piece.kind in UNSTYLED else around
            characters += expected(piece.inner, values, inside | {piece.kind})
        else:
            text = getattr(values, piece.slot) if piece.slot else piece.text
            characters += [(char, around) for char in clean(text)]
    return characters
