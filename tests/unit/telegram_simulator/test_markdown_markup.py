"""The simulator reads MarkdownV2 as Telegram does."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_adapters.telegram_simulator.entities import Entity, utf16_length
from skua_adapters.telegram_simulator.html_markup import MarkupBroken
from skua_adapters.telegram_simulator.markdown_markup import parse_markdown

_SPECIAL = re.compile(r"([_*\[\]()~`>#+\-=|{}.!\\])")


def _entity(kind: str, offset: int, length: int, **details: Any) -> Entity:
    return Entity(type=kind, offset=offset, length=length, **details)


@pytest.mark.parametrize(
    ("markup", "text", "entities"),
    [
        ("plain", "plain", []),
        ("a *b* c", "a b c", [_entity("bold", 2, 1)]),
        ("_i_ __u__ ~s~ ||x||", "i u s x", None),
        ("*a _b_*", "a b", [_entity("italic", 2, 1), _entity("bold", 0, 3)]),
        (r"1\.5 \* 2 \\ \é", r"1.5 * 2 \ \é", []),
        ("👍*é*", "👍é", [_entity("bold", 2, 1)]),
        ("**x", "x", []),
        ("`a*b`", "a*b", [_entity("code", 0, 3)]),
        ("```python\nx\n```", "x\n", [_entity("pre", 0, 2, language="python")]),
        ("```x```", "x", [_entity("pre", 0, 1)]),
        (
            r"[x](https://skua.example/a\)b)",
            "x",
            [_entity("text_link", 0, 1, url="https://skua.example/a)b")],
        ),
        ("[x](nowhere)", "x", []),
        (
            "![👍](tg://emoji?id=53)",
            "👍",
            [_entity("custom_emoji", 0, 2, custom_emoji_id="53")],
        ),
        (">a\n>b\nc", "a\nb\nc", [_entity("blockquote", 0, 4)]),
        (">a\n>b", "a\nb", [_entity("blockquote", 0, 3)]),
        (">a||\nc", "a\nc", [_entity("expandable_blockquote", 0, 2)]),
        (">a||", "a", [_entity("expandable_blockquote", 0, 1)]),
    ],
)
def test_markup_becomes_text_and_entities(
    markup: str, text: str, entities: list[Entity] | None
) -> None:
    parsed, found = parse_markdown(markup)

    assert parsed == text
    if entities is None:
        kinds = ["italic", "underline", "strikethrough", "spoiler"]
        entities = [_entity(kind, 2 * place, 1) for place, kind in enumerate(kinds)]
    assert found == entities


@pytest.mark.parametrize(
    ("markup", "problem"),
    [
        ("a.b", "Character '.' is reserved and must be escaped with the preceding '\\'"),
        ("a|b", "Character '|' is reserved and must be escaped with the preceding '\\'"),
        ("a!", "Character '!' is reserved and must be escaped with the preceding '\\'"),
        ("a>b", "Character '>' is reserved and must be escaped with the preceding '\\'"),
        ("é *b", "Can't find end of Bold entity at byte offset 3"),
        ("__b_", "Can't find end of Italic entity at byte offset 3"),
        ("```py\nb", "Can't find end of PreCode entity at byte offset 0"),
        ("[x](y", "Can't find end of a URL at byte offset 4"),
        ("![x]", "The entity must contain a tg://emoji or tg://time URL"),
        ("![x](y)", "Invalid tg://emoji or tg://time URL specified"),
        (">a *b\nc*", "Can't find end of Bold entity at byte offset 3"),
    ],
)
def test_broken_markup_is_named(markup: str, problem: str) -> None:
    with pytest.raises(MarkupBroken) as caught:
        parse_markdown(markup)

    assert str(caught.value) == problem


@given(st.text())
def test_escaped_text_comes_back_as_it_was(text: str) -> None:
    assert parse_markdown(_SPECIAL.sub(r"\\\1", text)) == (text, [])


@given(st.text(st.sampled_from("_*[]()~`>|!\\ab\n\ré👍")))
def test_any_text_is_parsed_or_called_broken(markup: str) -> None:
    try:
        text, entities = parse_markdown(markup)
    except MarkupBroken as problem:
        assert str(problem)  # noqa: PT017 - either outcome is right, an empty reason is not
    else:
        assert all(0 <= entity.offset < entity.end <= utf16_length(text) for entity in entities)
