"""Telling by its words which message a text came from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_adapters.renderer.in_process import InProcessRenderer
from skua_core.domain.content import MessageSource, Personalisation
from skua_core.domain.markup.likeness import is_like
from skua_core.errors import SkuaError

RENDERER = InProcessRenderer()
NAMES = st.text(max_size=20)


def likeness(source: str, text: str, **variants: str) -> bool:
    wordings = {tag: MessageSource(wording) for tag, wording in variants.items()}
    return is_like(RENDERER.compile(MessageSource(source, variants=wordings)), text)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Party <b>tonight</b>", "Party tonight"),
        ("Hello {{ first_name }}!", "Hello Ana!"),
        ("Hello {{ first_name }}!", "Hello !"),
        ("{{ first_name }}, hello", "Ana, hello"),
        ("{{ first_name }}, hello", ", hello"),
        ("Bye {{ first_name }}", "Bye"),
        ("a {{ first_name }} b {{ last_name }} c", "a b b b c"),
    ],
)
def test_a_text_that_the_message_could_give_is_like_it(source: str, text: str) -> None:
    assert likeness(source, text)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Party tonight", "party tonight"),
        ("Party tonight", "Party tonight!"),
        ("Party tonight", ""),
        ("Hello {{ first_name }}!", "Hello Ana"),
        ("Hello {{ first_name }}!", "Oh, hello Ana!"),
        ("a {{ first_name }} b {{ last_name }} c", "a x c"),
        ("{{ first_name }}", "Ana"),
        ("{{ first_name }} {{ last_name }}", "Ana Silva"),
    ],
)
def test_another_text_is_not(source: str, text: str) -> None:
    assert not likeness(source, text)


def test_each_wording_counts() -> None:
    assert likeness("Hello", "Olá", pt="Olá")


@given(
    NAMES,
    NAMES,
    st.sampled_from(["Hi {{ first_name }}, see {{ last_name }}!", "{{ first_name }} x"]),
)
def test_whatever_is_rendered_is_like_its_message(first: str, last: str, source: str) -> None:
    compiled = RENDERER.compile(MessageSource(source))
    try:
        text = RENDERER.render(compiled, Personalisation(first, last)).text
    except SkuaError:
        return

    assert is_like(compiled, text)
