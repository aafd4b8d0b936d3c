"""The grammar of MarkdownV2, with the examples of Telegram's own page and the mistakes."""

import pytest

from skua_core.domain.content import EntityType, MessageEntity, ParseMode, RenderedMessage
from skua_core.domain.markup.errors import MarkupInvalid
from tests.unit.markup.reading import covered, rendered


def markdown(source: str) -> RenderedMessage:
    return rendered(source, ParseMode.MARKDOWN_V2)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r"*bold \*text*", [("bold", "bold *text")]),
        (r"_italic \*text_", [("italic", "italic *text")]),
        ("__underline__", [("underline", "underline")]),
        ("~strikethrough~", [("strikethrough", "strikethrough")]),
        ("||spoiler||", [("spoiler", "spoiler")]),
        ("`inline`", [("code", "inline")]),
        (r"`a\`b\\c`", [("code", "a`b\\c")]),
        ("`*_~.!`", [("code", "*_~.!")]),
        ("```\npre\n```x", [("pre", "pre\n")]),
        ("```pre```", [("pre", "pre")]),
        ("*a _b_*", [("bold", "a b"), ("italic", "b")]),
        ("___both_**__", [("underline", "both"), ("italic", "both")]),
        ("*a `c` b*", [("bold", "a "), ("code", "c"), ("bold", " b")]),
        (">one\n>two\nafter", [("blockquote", "one\ntwo\n")]),
        (">one\n\n>two", [("blockquote", "one\n"), ("blockquote", "two")]),
        (">one\n**>two||", [("blockquote", "one\n"), ("expandable_blockquote", "two")]),
        (">one||\nafter", [("expandable_blockquote", "one\n")]),
        (">||secret||", [("blockquote", "secret"), ("spoiler", "secret")]),
        (">||secret||||", [("expandable_blockquote", "secret"), ("spoiler", "secret")]),
        (">*a\n>b*", [("blockquote", "a\nb"), ("bold", "a\nb")]),
        (">```\na\nb```", [("blockquote", "a\nb"), ("pre", "a\nb")]),
        ("a\\\n>q", [("blockquote", "q")]),
    ],
)
def test_markup_gives_its_entities(source: str, expected: list[tuple[str, str]]) -> None:
    assert covered(markdown(source)) == expected


def test_the_long_example_of_telegrams_page_nests_as_it_says() -> None:
    message = markdown(
        "*bold _italic bold ~italic bold strikethrough ||italic bold strikethrough spoiler||~ "
        "__underline italic bold___ bold*"
    )

    assert covered(message) == [
        ("bold", message.text),
        ("italic", message.text.removeprefix("bold ").removesuffix(" bold")),
        ("strikethrough", "italic bold strikethrough italic bold strikethrough spoiler"),
        ("spoiler", "italic bold strikethrough spoiler"),
        ("underline", "underline italic bold"),
    ]


@pytest.mark.parametrize(
    ("source", "entity"),
    [
        (
            "[x](http://www.example.com/)",
            MessageEntity(EntityType.TEXT_LINK, 0, 1, url="http://www.example.com/"),
        ),
        (
            r"[x](https://a.b/(c\)\\)",
            MessageEntity(EntityType.TEXT_LINK, 0, 1, url="https://a.b/(c)\\"),
        ),
        (
            "[x](tg://user?id=123456789)",
            MessageEntity(EntityType.TEXT_LINK, 0, 1, url="tg://user?id=123456789"),
        ),
        (
            "![👍](tg://emoji?id=5368324170671202286)",
            MessageEntity(EntityType.CUSTOM_EMOJI, 0, 2, custom_emoji_id="5368324170671202286"),
        ),
        (
            "![x](tg://time?unix=1647531900&format=wDT)",
            MessageEntity(EntityType.DATE_TIME, 0, 1, unix_time=1647531900, date_time_format="wDT"),
        ),
        (
            "![x](tg://time?unix=1647531900)",
            MessageEntity(EntityType.DATE_TIME, 0, 1, unix_time=1647531900),
        ),
        ("```python\nx```", MessageEntity(EntityType.PRE, 0, 1, language="python")),
    ],
)
def test_what_markup_says_goes_into_its_entity(source: str, entity: MessageEntity) -> None:
    assert markdown(source).entities == (entity,)


def test_every_reserved_sign_can_be_escaped() -> None:
    signs = r"_*[]()~`>#+-=|{}.!\ "

    assert markdown("".join(f"\\{sign}" for sign in signs) + "é").text == signs + "é"


@pytest.mark.parametrize(
    ("source", "line", "column", "problem"),
    [
        ("one\ntwo *x", 2, 5, "`*` is never closed"),
        ("```x", 1, 1, "'```' is never closed"),
        ("a.b", 1, 2, "`.` is reserved in MarkdownV2"),
        ("a > b", 1, 3, "`>` is reserved in MarkdownV2"),
        ("wow!", 1, 4, "`!` is reserved in MarkdownV2"),
        ("a | b", 1, 3, "`|` is reserved in MarkdownV2"),
        ("a]", 1, 2, "`]` is reserved in MarkdownV2"),
        ("{x}", 1, 1, "`{` is reserved in MarkdownV2"),
        ("[x]", 1, 1, "no address follows"),
        ("[x](https://a.b", 1, 1, "no address follows"),
        ("[x](skua.example)", 1, 5, "the link has no usable address"),
        ("[x](https://{{ username }}.b)", 1, 5, "a placeholder can't stand in an address"),
        ("![x](https://a.b)", 1, 6, "shows a custom emoji or a time"),
        ("[a [b](https://a.b)](https://a.b)", 1, 4, "`[` can't stand inside `[`"),
        (">a *b\nc*", 1, 4, "`*` is never closed in its quotation"),
        ("*a\n>b*", 2, 3, "`*` is never closed in its quotation"),
        ("```a`b```", 1, 5, "'`' can't stand inside '```'"),
        ("hi {{ first_name", 1, 4, "`{{` is never closed"),
    ],
)
def test_a_mistake_is_shown_at_its_place(source: str, line: int, column: int, problem: str) -> None:
    with pytest.raises(MarkupInvalid) as caught:
        markdown(source)

    assert (caught.value.line, caught.value.column) == (line, column), str(caught.value)
    assert problem in caught.value.problem
