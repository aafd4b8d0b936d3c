"""The grammar of Telegram's HTML, tag by tag and mistake by mistake."""

import pytest

from skua_core.domain.content import EntityType, MessageEntity
from skua_core.domain.markup.errors import MarkupInvalid
from tests.unit.markup.reading import covered, rendered


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("<b>x</b>", "bold"),
        ("<strong>x</strong>", "bold"),
        ("<B>x</b >", "bold"),
        ("<i>x</i>", "italic"),
        ("<em>x</em>", "italic"),
        ("<u>x</u>", "underline"),
        ("<ins>x</ins>", "underline"),
        ("<s>x</s>", "strikethrough"),
        ("<strike>x</strike>", "strikethrough"),
        ("<del>x</del>", "strikethrough"),
        ("<tg-spoiler>x</tg-spoiler>", "spoiler"),
        ('<span class="tg-spoiler">x</span>', "spoiler"),
        ("<span class='tg-spoiler'>x</span>", "spoiler"),
        ("<span class=tg-spoiler>x</span>", "spoiler"),
        ("<blockquote>x</blockquote>", "blockquote"),
        ("<blockquote expandable>x</blockquote>", "expandable_blockquote"),
        ("<code>x</code>", "code"),
        ("<pre>x</pre>", "pre"),
        ("<pre><code>x</code></pre>", "pre"),
    ],
)
def test_each_tag_gives_its_entity(source: str, kind: str) -> None:
    message = rendered(f"a {source} b")

    assert message.text == "a x b"
    assert covered(message) == [(kind, "x")]


@pytest.mark.parametrize(
    ("source", "entity"),
    [
        (
            '<a href="https://skua.example/?a=1&amp;b=2">x</a>',
            MessageEntity(EntityType.TEXT_LINK, 0, 1, url="https://skua.example/?a=1&b=2"),
        ),
        (
            '<a href="https://skua.example/?a=1&b=2">x</a>',
            MessageEntity(EntityType.TEXT_LINK, 0, 1, url="https://skua.example/?a=1&b=2"),
        ),
        (
            '<a href="tg://user?id=123456789">x</a>',
            MessageEntity(EntityType.TEXT_LINK, 0, 1, url="tg://user?id=123456789"),
        ),
        (
            '<pre><code class="language-python">x</code></pre>',
            MessageEntity(EntityType.PRE, 0, 1, language="python"),
        ),
        (
            '<tg-emoji emoji-id="5368324170671202286">👍</tg-emoji>',
            MessageEntity(EntityType.CUSTOM_EMOJI, 0, 2, custom_emoji_id="5368324170671202286"),
        ),
        (
            '<tg-time unix="1647531900" format="wDT">x</tg-time>',
            MessageEntity(EntityType.DATE_TIME, 0, 1, unix_time=1647531900, date_time_format="wDT"),
        ),
        (
            '<tg-time unix="1647531900">x</tg-time>',
            MessageEntity(EntityType.DATE_TIME, 0, 1, unix_time=1647531900),
        ),
    ],
)
def test_what_a_tag_says_goes_into_its_entity(source: str, entity: MessageEntity) -> None:
    assert rendered(source).entities == (entity,)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("&lt;b&gt; &amp; &quot;", '<b> & "'),
        ("&#60;&#x3C;&#128512;&#x1F600;", "<<😀😀"),
        ("R&D, AT&T, a && b", "R&D, AT&T, a && b"),
        ("1 > 0", "1 > 0"),
        ("{ a } }} { {", "{ a } }} { {"),
        ("tab\there\r\nand\x00there", "tab here\nand there"),
        ("\n  middle \n\n", "middle"),
    ],
)
def test_text_arrives_as_telegram_would_show_it(source: str, text: str) -> None:
    assert rendered(source).text == text


def test_a_style_around_code_stops_at_the_code() -> None:
    message = rendered("<b>your code: <code>42</code>, keep it</b>")

    assert covered(message) == [("bold", "your code: "), ("code", "42"), ("bold", ", keep it")]


def test_a_style_around_a_quotation_never_crosses_it() -> None:
    message = rendered("<b>a<blockquote>b<code>c</code>d</blockquote>e</b>")

    assert covered(message) == [
        ("bold", "a"),
        ("blockquote", "bcd"),
        ("bold", "b"),
        ("code", "c"),
        ("bold", "d"),
        ("bold", "e"),
    ]


def test_nested_styles_come_outer_first() -> None:
    message = rendered("<b><i>x</i></b><u>y<s>z</s></u>")

    assert covered(message) == [
        ("bold", "x"),
        ("italic", "x"),
        ("underline", "yz"),
        ("strikethrough", "z"),
    ]


def test_empty_and_repeated_formatting_leaves_nothing_behind() -> None:
    assert covered(rendered("<b></b><i>x<i>y</i></i>")) == [("italic", "xy")]


def test_outer_blanks_leave_their_formatting() -> None:
    message = rendered(" <b> x </b>  <i> </i>\n")

    assert message.text == "x"
    assert covered(message) == [("bold", "x")]


@pytest.mark.parametrize(
    ("source", "line", "column", "problem"),
    [
        ("one\ntwo <b>x", 2, 5, "`<b>` is never closed"),
        ("<b>x</i>", 1, 5, "`</i>` stands where `</b>` is due"),
        ("<b><i>x</b></i>", 1, 8, "`</b>` stands where `</i>` is due"),
        ("x</b>", 1, 2, "`</b>` closes nothing"),
        ("1 < 2", 1, 3, "`<` begins no tag here"),
        ("<br>", 1, 1, "Telegram has no tag `<br>`"),
        ("</p>", 1, 1, "Telegram has no tag `</p>`"),
        ("<b x", 1, 4, "`<b>` has no attribute `x`"),
        ("<b ", 1, 1, "the tag `<b` has no proper end"),
        ("<b/>", 1, 1, "the tag `<b` has no proper end"),
        ('<a href="https://skua.example>x</a>', 1, 1, "the tag `<a` has no proper end"),
        ("<blockquote expandible>x</blockquote>", 1, 13, "has no attribute `expandible`"),
        ("<span>x</span>", 1, 1, "`<span>` is known as a spoiler only"),
        ("<a>x</a>", 1, 1, "the link has no usable address"),
        ('<a href="skua.example">x</a>', 1, 1, "it must begin with https://"),
        ('<a href="https://{{ username }}">x</a>', 1, 9, "a placeholder can't stand inside a tag"),
        ('<tg-emoji emoji-id="0">x</tg-emoji>', 1, 1, "doesn't say what to show"),
        ('<tg-time unix="1" format="x">x</tg-time>', 1, 1, "doesn't say what to show"),
        ('<code class="language-c">x</code>', 1, 1, "takes a language only right inside `<pre>`"),
        ("<pre>a<code>x</code></pre>", 1, 7, "must hold the whole block"),
        ("<pre><code>x</code>a</pre>", 1, 21, "must hold the whole block"),
        ("<pre><code>x</code><code>y</code></pre>", 1, 20, "must hold the whole block"),
        ('<pre><code class="c">x</code></pre>', 1, 6, "isn't `language-…`"),
        ("<code><b>x</b></code>", 1, 7, "`<b>` can't stand inside `<code>`"),
        ('<a href="https://a.b"><code>x</code></a>', 1, 23, "`<code>` can't stand inside `<a>`"),
        ("<blockquote><blockquote>x", 1, 13, "can't stand inside `<blockquote>`"),
        ("&nbsp;", 1, 1, "Telegram doesn't know `&nbsp;`"),
        ("&#0;", 1, 1, "Telegram doesn't know `&#0;`"),
        ("&#xD83D;", 1, 1, "Telegram doesn't know `&#xD83D;`"),
        ("&#99999999999;", 1, 1, "Telegram doesn't know"),
        ("&lt b", 1, 1, "`&lt` lacks its semicolon"),
        ("&#60 b", 1, 1, "`&#60` lacks its semicolon"),
        ("a {{ first_name", 1, 3, "`{{` is never closed"),
        ("{{ first_name\n}}", 1, 1, "`{{` is never closed"),
        ('{{ first_name | default("x) }}', 1, 1, "`{{` is never closed"),
        ("{% if x %}", 1, 1, "begins something that messages don't have"),
        ("<b>" * 31, 1, 91, "nested too deeply"),
        ("{{ username }}" * 101, 1, 1401, "placeholder number 101"),
    ],
)
def test_a_mistake_is_shown_at_its_place(source: str, line: int, column: int, problem: str) -> None:
    with pytest.raises(MarkupInvalid) as caught:
        rendered(source)

    assert (caught.value.line, caught.value.column) == (line, column)
    assert problem in caught.value.problem
    assert str(caught.value) == (
        f"Line {line}, column {column}: {caught.value.problem}. {caught.value.hint}."
    )
