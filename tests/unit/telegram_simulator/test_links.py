"""Which links Telegram takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_adapters.telegram_simulator.links import LinkRefused, check_link, linked_user_id


@pytest.mark.parametrize(
    ("link", "stored"),
    [
        ("https://skua.example", "https://skua.example/"),
        ("HTTP://skua.example/a?b#c", "http://skua.example/a?b#c"),
        ("skua.example?q=1", "http://skua.example/?q=1"),
        ("https://user:word@skua.example:8443/x", "https://user:word@skua.example:8443/x"),
        ("http://[::1]:80/", "http://[::1]:80/"),
        ("tg://resolve?domain=skua", "tg://resolve?domain=skua"),
        ("tg:resolve?domain=skua", "tg://resolve?domain=skua"),
    ],
)
def test_good_links_are_stored_in_full(link: str, stored: str) -> None:
    assert check_link(link) == stored


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("", "URL host is empty"),
        ("nowhere", "Wrong HTTP URL"),
        ("javascript:alert(1)", "Wrong port number specified in the URL"),
        ("ftp://skua.example", "Unsupported URL protocol"),
        ("https:///x", "URL host is empty"),
        ("http://.", "Host is invalid"),
        ("http://a b.example/", "Disallowed character in URL host"),
        ("http://skua.example:0/", "Wrong port number specified in the URL"),
        ("http://skua.example:65536/", "Wrong port number specified in the URL"),
        ("tg://a.b", "Unallowed characters in URL host"),
    ],
)
def test_bad_links_are_refused_in_tdlibs_words(link: str, reason: str) -> None:
    with pytest.raises(LinkRefused) as caught:
        check_link(link)

    assert str(caught.value) == reason


@given(st.text(st.sampled_from("htps:/?#@[].0a \n\x7f")))
def test_any_text_is_a_link_or_refused(link: str) -> None:
    try:
        stored = check_link(link)
    except LinkRefused as reason:
        assert str(reason)  # noqa: PT017 - either outcome is right, an empty reason is not
    else:
        assert check_link(stored) == stored


def test_user_links_name_their_user() -> None:
    assert linked_user_id("tg://user?id=42") == 42
    assert linked_user_id("TG:user?x=1&ID=42#y") == 42
    assert linked_user_id("tg://user?id=x") is None
    assert linked_user_id("https://skua.example/user?id=42") is None
