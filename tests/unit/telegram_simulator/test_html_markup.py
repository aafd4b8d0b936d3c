"""The simulator reads HTML as Telegram does."""

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_adapters.telegram_simulator.entities import Entity, utf16_length
from skua_adapters.telegram_simulator.html_markup import MarkupBroken, parse_html

_UNMATCHED_SURROGATE = (
    "Text contains invalid Unicode characters after decoding HTML entities, "
    "check for unmatched surrogate code units"
)


@pytest.mark.parametrize(
    ("markup", "text", "entities"),
    [
        ("plain", "plain", []),
        ("a <b>b</b> c", "a b c", [Entity(type="bold", offset=2, length=1)]),
        ("<STRONG>x</strong>", "x", [Entity(type="bold", offset=0, length=1)]),
        ("<b></b>x", "x", []),
        ("&lt;b&gt; &amp;&quot; &#65;&#x1F426;", '<b> &" A🐦', []),
        ("&nbsp; & &unknown; &#0;", "&nbsp; & &unknown; &#0;", []),
        ("&amp", "&", []),
        ("👍<i>é</i>", "👍é", [Entity(type="italic", offset=2, length=1)]),
        ('<span class="tg-spoiler">x</span>', "x", [Entity(type="spoiler", offset=0, length=1)]),
        ("<tg-spoiler>x</>", "x", [Entity(type="spoiler", offset=0, length=1)]),
        (
            "<a href='https://skua.example/?a=1&amp;b=2'>x</a>",
            "x",
            [Entity(type="text_link", offset=0, length=1, url="https://skua.example/?a=1&b=2")],
        ),
        (
            "<a>skua.example</a>",
            "skua.example",
            [Entity(type="text_link", offset=0, length=12, url="http://skua.example/")],
        ),
        ("<a href='nowhere'>x</a>", "x", []),
        (
            "<a href='tg://user?id=7'>x</a>",
            "x",
            [Entity(type="text_mention", offset=0, length=1, user={"id": 7})],
        ),
        (
            '<pre><code class="language-python">x</code></pre>',
            "x",
            [Entity(type="pre", offset=0, length=1, language="python")],
        ),
        (
            '<code class="language-python">x</code>',
            "x",
            [Entity(type="code", offset=0, length=1)],
        ),
        (
            "<blockquote expandable>x</blockquote>",
            "x",
            [Entity(type="expandable_blockquote", offset=0, length=1)],
        ),
        (
            '<tg-emoji emoji-id="5368324170671202286">👍</tg-emoji>',
            "👍",
            [
                Entity(
                    type="custom_emoji",
                    offset=0,
                    length=2,
                    custom_emoji_id="5368324170671202286",
                )
            ],
        ),
        ("&#xD83D;&#xDC4D;", "👍", []),
    ],
)
def test_markup_becomes_text_and_entities(markup: str, text: str, entities: list[Entity]) -> None:
    assert parse_html(markup) == (text, entities)


@pytest.mark.parametrize(
    ("markup", "problem"),
    [
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("é<p>x</p>", 'Unsupported start tag "p" at byte offset 2'),
        ("<b/>", 'Unsupported start tag "b/" at byte offset 0'),
        ("x < y", 'Unsupported start tag "" at byte offset 2'),
        ("x <b", "Unclosed start tag at byte offset 2"),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        (
            "<b><i>x</b></i>",
            'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"',
        ),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ('<a "x">y</a>', 'Empty attribute name in the tag "a" at byte offset 0'),
        ("<a href=x/y>y</a>", "Unexpected end of name token at byte offset 8"),
        ('<a href="x', "Unclosed start tag at byte offset 0"),
        ("<a href", 'Unclosed start tag "a" at byte offset 0'),
        ("<tg-emoji>x</tg-emoji>", "Invalid custom emoji identifier specified"),
        (
            "&#xD83D;",
            _UNMATCHED_SURROGATE,
        ),
    ],
)
def test_broken_markup_is_named_with_its_place(markup: str, problem: str) -> None:
    with pytest.raises(MarkupBroken) as caught:
        parse_html(markup)

    assert str(caught.value) == problem


@given(st.text())
def test_escaped_text_comes_back_as_it_was(text: str) -> None:
    assert parse_html(html.escape(text, quote=False)) == (text, [])


@given(st.text(st.sampled_from("<>/&;#x1b iacode'\"=é👍\n")))
def test_any_text_is_parsed_or_called_broken(markup: str) -> None:
    try:
        text, entities = parse_html(markup)
    except MarkupBroken as problem:
        assert str(problem)  # noqa: PT017 - either outcome is right, an empty reason is not
    else:
        assert all(0 <= entity.offset < entity.end <= utf16_length(text) for entity in entities)
