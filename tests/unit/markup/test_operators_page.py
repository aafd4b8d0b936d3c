"""The page for operators shows only what works, and only errors that are told so."""

import re
from pathlib import Path

import pytest

from skua_adapters.renderer.minijinja import MinijinjaRenderer
from skua_core.domain.content import EntityType, MessageSource, ParseMode
from skua_core.errors import SkuaError

PAGE = (Path(__file__).parents[3] / "docs" / "writing-messages.md").read_text()
EXAMPLES = re.findall(r"^(````?)(html|markdown)\n(.*?)\n\1$", PAGE, re.MULTILINE | re.DOTALL)
MODES = {"html": ParseMode.HTML, "markdown": ParseMode.MARKDOWN_V2}
MISTAKES = [
    ("Hi <b>you", ParseMode.HTML),
    ("<b>x</i>", ParseMode.HTML),
    ("1 < 2", ParseMode.HTML),
    ("Hello.", ParseMode.MARKDOWN_V2),
    ("Hi {{ frist_name }}", ParseMode.HTML),
    ("{{ first_name | default(“x”) }}", ParseMode.HTML),
    ("<b></b>", ParseMode.HTML),
]


def test_the_long_examples_compile_and_show_every_kind_of_formatting() -> None:
    compiled = [
        MinijinjaRenderer().compile(MessageSource(text, MODES[mode])) for _, mode, text in EXAMPLES
    ]

    shown = [{entity.type for entity in message.skeleton.entities} for message in compiled]
    assert shown == [set(EntityType), set(EntityType), set()]


@pytest.mark.parametrize(("source", "mode"), MISTAKES)
def test_the_errors_on_the_page_are_the_errors_that_come(source: str, mode: ParseMode) -> None:
    with pytest.raises(SkuaError) as caught:
        MinijinjaRenderer().compile(MessageSource(source, mode))

    shown = re.findall(r"^\| (?:`` ?(.*?) ?``|`([^`]*)`) \|", PAGE, re.MULTILINE)
    assert any(str(caught.value).startswith(one or two) for one, two in shown), str(caught.value)
