"""Lengths, counts, buttons, addresses, and characters that no message can hold."""

import pytest

from skua_core.domain.content import (
    InlineButton,
    MessageSource,
    ParseMode,
    Personalisation,
    utf16_length,
)
from skua_core.domain.markup.buttons import check_buttons
from skua_core.domain.markup.cleaning import clean, is_blank
from skua_core.domain.markup.common_subset import understand_common_subset
from skua_core.domain.markup.compiling import compile_message
from skua_core.domain.markup.errors import (
    ButtonInvalid,
    MessageEmpty,
    MessageTooLong,
    TooManyEntities,
)
from skua_core.domain.markup.links import problem_with_link
from tests.unit.markup.reading import compiled, rendered


@pytest.mark.parametrize(("text", "units"), [("", 0), ("abc", 3), ("é", 1), ("😀", 2), ("a😀é", 4)])
def test_length_is_counted_in_utf16_units(text: str, units: int) -> None:
    assert utf16_length(text) == units


@pytest.mark.parametrize("filler", ["x", "é", "😀"])
def test_a_message_may_have_4096_units_and_no_more(filler: str) -> None:
    fits = filler * (4096 // utf16_length(filler))

    assert rendered(f"  <b>{fits}</b>\n").text == fits
    with pytest.raises(MessageTooLong) as caught:
        compiled(fits + "é")
    assert (caught.value.length, caught.value.limit) == (4097, 4096)


def test_a_message_too_long_for_one_subscriber_says_so_for_that_one() -> None:
    message = "x" * 4090 + "{{ first_name }}"

    assert rendered(message, values=Personalisation("Ana")).text.endswith("xAna")
    with pytest.raises(MessageTooLong) as caught:
        rendered(message, values=Personalisation("Annabella"))
    assert caught.value.length == 4099


@pytest.mark.parametrize("source", ["", " \n ", "<b></b>", "<i> </i>", "\u200b\u00a0", "\u2800"])
def test_a_message_without_visible_text_is_refused(source: str) -> None:
    with pytest.raises(MessageEmpty):
        compiled(source)


def test_a_message_that_only_values_fill_is_empty_without_them() -> None:
    source = "<b>{{ first_name }}</b> {{ last_name }}"

    assert rendered(source, values=Personalisation("Ana")).text == "Ana"
    with pytest.raises(MessageEmpty):
        rendered(source, values=Personalisation(" ", "\u200b"))


def test_more_entities_than_telegram_keeps_are_refused() -> None:
    assert len(rendered("<b>x</b> " * 100).entities) == 100
    with pytest.raises(TooManyEntities) as caught:
        compiled("<b>x</b> " * 101)
    assert (caught.value.count, caught.value.limit) == (101, 100)


@pytest.mark.parametrize(
    ("raw", "clean_text"),
    [
        ("a\x00b\x1f\t", "a b  "),
        ("a\r\nb", "a\nb"),
        ("\ud83d!", "\ufffd!"),
        ("a\u202egnp.exe\u2028", "agnp.exe"),
        ("a\u030a\u0333\u033f\u0301", "a\u0301"),
        ("\u200e\u200f\u200ex", "\u200c\u200c\u200ex"),
        ("שלום\u200f", "שלום\u200f"),
        ("\u2067isolated\u2069", "\u2067isolated\u2069"),
    ],
)
def test_what_telegram_would_change_is_changed_beforehand(raw: str, clean_text: str) -> None:
    assert clean(raw) == clean_text
    assert clean(clean_text) == clean_text


def test_blank_is_what_nobody_can_see() -> None:
    assert is_blank("\u2003\u200d\ufeff\U000e0020")
    assert not is_blank("\u2003.")


@pytest.mark.parametrize(
    "url",
    [
        "https://skua.example",
        "http://a.b:8080/c?d=e#f",
        "HTTPS://A.B/",
        "https://münchen.example/ü",
        "https://[2001:db8::1]/",
        "https://user@a.b/",
        "tg://resolve?domain=skua",
        "tg:resolve?domain=skua",
        "tg://user?id=1",
    ],
)
def test_an_address_that_telegram_takes_is_taken(url: str) -> None:
    assert problem_with_link(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "skua.example",
        "ftp://a.b",
        "javascript:alert(1)",
        "https://",
        "https://localhost/",
        "https://./",
        "https://a b.c/",
        "https://a.b/c d",
        "https://a.b/\n",
        "https://a.b:0/",
        "https://a.b:99999/",
        "https://a.b:x/",
        "https://[::g]/",
        'https://a".b/',
        "https://a%.b/",
        "https://u\\ser@a.b/",
        "tg://",
        "tg://a.b/",
        "tg://user@host/",
    ],
)
def test_an_address_that_telegram_refuses_is_refused(url: str) -> None:
    assert problem_with_link(url)


def test_buttons_leave_as_they_are() -> None:
    rows = (
        (InlineButton("Site", url="https://a.b"), InlineButton("Yes", callback_data="yes")),
        (InlineButton("No", callback_data="n" * 64),),
    )
    source = MessageSource("x", ParseMode.PLAIN, rows)

    assert compile_message(source, understand_common_subset).skeleton.buttons == rows


@pytest.mark.parametrize(
    ("button", "problem"),
    [
        (InlineButton(" ", callback_data="x"), "it has no text"),
        (InlineButton("x"), "either"),
        (InlineButton("x", url="https://a.b", callback_data="x"), "either"),
        (InlineButton("x", callback_data=""), "has 0 bytes"),
        (InlineButton("x", callback_data="é" * 33), "has 66 bytes"),
        (InlineButton("x", callback_data="\ud800"), "half a character"),
        (InlineButton("x", url="a.b"), "address can't be used"),
        (InlineButton("{{ first_name }}", callback_data="x"), "a placeholder can't stand"),
    ],
)
def test_a_button_that_telegram_would_refuse_is_named(button: InlineButton, problem: str) -> None:
    fine = InlineButton("x", callback_data="x")

    with pytest.raises(ButtonInvalid, match=problem) as caught:
        check_buttons(((fine,), (fine, button)))

    assert (caught.value.row, caught.value.position) == (2, 2)


def test_rows_and_keyboards_have_an_end() -> None:
    fine = InlineButton("x", callback_data="x")

    assert check_buttons(((fine,) * 8,) * 12 + ((), (fine,) * 4))
    with pytest.raises(ButtonInvalid, match="a row takes 8"):
        check_buttons(((fine,) * 9,))
    with pytest.raises(ButtonInvalid, match="a message takes 100"):
        check_buttons(((fine,) * 8,) * 13)
