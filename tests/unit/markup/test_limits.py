"""Lengths, counts, buttons, addresses, and characters that no message can hold."""

import pytest

from skua_core.domain.content import (
    Personalisation,
    utf16_length,
)
from skua_core.domain.markup.cleaning import clean, is_blank
from skua_core.domain.markup.errors import (
    MarkupInvalid,
    MessageEmpty,
    MessageTooLong,
    TooManyEntities,
)
from skua_core.domain.markup.links import problem_with_file_address, problem_with_link
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


def test_half_a_character_is_shown_at_its_place() -> None:
    with pytest.raises(MarkupInvalid, match="Line 2, column 3: half a character") as caught:
        compiled("Hi\nyo\udce9!")

    assert caught.value.offset == 5


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


@pytest.mark.parametrize(
    "url",
    [
        "https://skua.example/gull.jpg",
        "https://münchen.example:8443/ü.jpg?size=1#top",
        "https://93.184.216.34/a.jpg",
        "https://[2606:2800:220:1::1]/a.jpg",
    ],
)
def test_an_address_that_telegram_can_fetch_from_is_taken(url: str) -> None:
    assert problem_with_file_address(url) is None


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://skua.example/a.jpg", "must begin with https://"),
        ("tg://resolve?domain=skua", "must begin with https://"),
        ("https://ana:secret@skua.example/a.jpg", "a user name or a password"),
        ("https://@skua.example/a.jpg", "a user name or a password"),
        ("https://printer.local/a.jpg", "no host on the internet"),
        ("https://localhost/a.jpg", "no host on the internet"),
        ("https://api.internal./a.jpg", "no host on the internet"),
        ("https://127.1/a.jpg", "no host on the internet"),
        ("https://0x7f.0x1/a.jpg", "no host on the internet"),
        ("https://10.0.0.8/a.jpg", "a private or reserved address"),
        ("https://169.254.169.254/latest", "a private or reserved address"),
        ("https://224.0.0.1/a.jpg", "a private or reserved address"),
        ("https://[::1]/a.jpg", "a private or reserved address"),
        ("https://[::ffff:10.0.0.8]/a.jpg", "a private or reserved address"),
        ("https://skua.example/a b.jpg", "a blank"),
        ("skua.example/a.jpg", "must begin with https://"),
    ],
)
def test_an_address_that_nobody_outside_can_fetch_from_is_refused(url: str, problem: str) -> None:
    assert problem in str(problem_with_file_address(url))
