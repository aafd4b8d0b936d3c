"""The page for operators shows only what works, and only errors that are told so."""

import re
from pathlib import Path

import pytest

from skua_adapters.renderer.minijinja import MinijinjaRenderer
from skua_core.domain.content import EntityType, InlineButton, MessageSource, ParseMode
from skua_core.domain.media import MediaKind, Medium
from skua_core.errors import SkuaError

PAGE = (Path(__file__).parents[3] / "docs" / "writing-messages.md").read_text()
EXAMPLES = re.findall(r"^(````?)(html|markdown)\n(.*?)\n\1$", PAGE, re.MULTILINE | re.DOTALL)
MODES = {"html": ParseMode.HTML, "markdown": ParseMode.MARKDOWN_V2}
PHOTO = Medium(MediaKind.PHOTO, file_id="AgAC")
MISTAKES = [
    MessageSource("Hi <b>you"),
    MessageSource("<b>x</i>"),
    MessageSource("1 < 2"),
    MessageSource("Hello.", ParseMode.MARKDOWN_V2),
    MessageSource("Hi {{ frist_name }}"),
    MessageSource("{{ first_name | default(“x”) }}"),
    MessageSource("Hi \ud83d"),
    MessageSource("<b></b>"),
    MessageSource("x" * 1025, media=(PHOTO,)),
    MessageSource("Hello", variants={"pt": MessageSource("<b>Olá")}),
    MessageSource("{{ attributes.code }}", variants={"pt": MessageSource("Olá")}),
    MessageSource(media=(PHOTO,) * 2, buttons=((InlineButton("x", tag="x"),),)),
    MessageSource(media=(PHOTO, Medium(MediaKind.AUDIO, file_id="CQAC"))),
    MessageSource(media=(Medium(MediaKind.PHOTO, url="https://10.0.0.8/gull.jpg"),)),
    MessageSource("Hi", buttons=((InlineButton("x", answer="x" * 201),),)),
]


def test_the_long_examples_compile_and_show_every_kind_of_formatting() -> None:
    compiled = [
        MinijinjaRenderer().compile(MessageSource(text, MODES[mode])) for _, mode, text in EXAMPLES
    ]

    shown = [{entity.type for entity in message.skeleton.entities} for message in compiled]
    assert shown == [set(EntityType), set(EntityType), set()]


@pytest.mark.parametrize("source", MISTAKES)
def test_the_errors_on_the_page_are_the_errors_that_come(source: MessageSource) -> None:
    with pytest.raises(SkuaError) as caught:
        MinijinjaRenderer().compile(source)

    shown = re.findall(r"^\| (?:`` ?(.*?) ?``|`([^`]*)`) \|", PAGE, re.MULTILINE)
    assert any(str(caught.value).startswith(one or two) for one, two in shown), str(caught.value)
