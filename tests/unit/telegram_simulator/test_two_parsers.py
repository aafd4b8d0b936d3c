"""Skua's own parser and the simulator's, written apart from each other, see the same message."""

from itertools import dropwhile

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from skua_adapters.telegram_simulator.text import FormattedText, finish_text, read_text
from skua_core.domain.content import CompiledMessage, MessageSource, ParseMode
from skua_core.domain.markup.common_subset import understand_common_subset
from skua_core.domain.markup.compiling import compile_message
from skua_core.errors import SkuaError

_HTML_TAGS = (
    *(("<b>", "</b>"), ("<i>", "</i>"), ("<u>", "</u>"), ("<s>", "</s>"), ("<code>", "</code>")),
    *(("<blockquote>", "</blockquote>"), ("<blockquote expandable>", "</blockquote>")),
    *(("<pre>", "</pre>"), ("<pre><code class='language-c'>", "</code></pre>")),
    *(("<a href='skua.example'>", "</a>"), ("<tg-spoiler>", "</tg-spoiler>")),
    *(("<tg-emoji emoji-id='5'>", "</tg-emoji>"), ("<B>", "</>"), ("<b>", "</i>")),
)
_HTML_TEXT = ("a", "é", "🐦", " ", "\n", "\t", "&lt;", "&amp", "&nbsp;", "&#128038;", "<", "\u202e")
_MARKDOWN_MARKS = (
    *(("*", "*"), ("_", "_"), ("__", "__"), ("~", "~"), ("||", "||"), ("`", "`"), ("```", "```")),
    *(("```c\n", "```"), ("[", "](skua.example)"), ("![", "](tg://emoji?id=5)"), ("*", "_")),
    *(("\n>", "\n"), ("\n>", "||\n"), ("\n>", "\n>")),
)
_MARKDOWN_TEXT = ("a", "é", "🐦", " ", "\n", "\t", "\\.", "\\*", "\\\\", "\\é", ".", "\u202e")
_BLANKS = (" ".encode("utf-16-le").hex(), "\n".encode("utf-16-le").hex())


def _compiled(text: str, mode: ParseMode) -> CompiledMessage | None:
    try:
        return compile_message(MessageSource(text, mode), understand_common_subset)
    except SkuaError:
        return None


def _looks(message: FormattedText) -> list[tuple[str, set[tuple[str | None, ...]]]]:
    """Each UTF-16 unit with its styles: however entities are cut, this is the same.

    Blanks in front are left out: Telegram keeps those that an entity begins with.
    """
    pairs = message.text.encode("utf-16-le").hex(" ", 2).split()
    units: list[tuple[str, set[tuple[str | None, ...]]]] = [(pair, set()) for pair in pairs]
    for entity in message.entities:
        for _, styles in units[entity.offset : entity.end]:
            styles.add((entity.type, entity.url, entity.language, entity.custom_emoji_id))
    return list(dropwhile(lambda unit: unit[0] in _BLANKS, units))


def _sent(compiled: CompiledMessage) -> FormattedText:
    """What Telegram makes of the entities that Skua sends."""
    entities = msgspec.to_builtins(compiled.skeleton.entities)
    return finish_text(read_text(compiled.skeleton.text, "", list(entities)))


def _agree(markup: str, mode: ParseMode, parse_mode: str) -> None:
    compiled = _compiled(markup, mode)
    if compiled is None:
        return
    ours, theirs = _sent(compiled), finish_text(read_text(markup, parse_mode, None))

    assert ours.text == compiled.skeleton.text
    assert _looks(ours) == _looks(theirs)


def _markup(marks: tuple[tuple[str, str], ...], texts: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Text in marks in marks, some of them wrong."""

    def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        marked = st.tuples(st.sampled_from(marks), inner)
        return st.lists(inner, max_size=4).map("".join) | marked.map(
            lambda both: both[0][0] + both[1] + both[0][1]
        )

    return st.recursive(st.sampled_from(texts), grow, max_leaves=10)


@given(_markup(_HTML_TAGS, _HTML_TEXT))
def test_html_means_the_same_to_both(markup: str) -> None:
    _agree(markup, ParseMode.HTML, "HTML")


@given(_markup(_MARKDOWN_MARKS, _MARKDOWN_TEXT))
def test_markdown_means_the_same_to_both(markup: str) -> None:
    _agree(markup, ParseMode.MARKDOWN_V2, "MarkdownV2")


def test_the_comparison_sees_messages_that_both_take() -> None:
    taken = [
        _compiled("<b>a <i>🐦</i></b> &lt;", ParseMode.HTML),
        _compiled("*a _🐦_* \\.", ParseMode.MARKDOWN_V2),
    ]

    assert all(message is not None and message.skeleton.entities for message in taken)
