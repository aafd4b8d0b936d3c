"""Which webhook addresses are refused before Telegram is asked."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_adapters.bot_api.public_url import check_public_url
from skua_core.errors import PublicUrlUnfit

FIT = [
    "https://skua.example",
    "https://skua.example/",
    "https://skua.example/webhooks/telegram/abc/def?x=1",
    "https://SKUA.example./hook",
    "https://skua.example:443/hook",
    "https://skua.example:80/hook",
    "https://skua.example:88/hook",
    "https://skua.example:8443/hook",
    "https://my_bots.skua.example",
    "https://xn--bcher-kva.example",
    "https://8.8.8.8/hook",
]
UNFIT = {
    "http://skua.example": "https://",
    "ftp://skua.example": "https://",
    "skua.example": "https://",
    "//skua.example": "https://",
    "https://": "a host",
    "https:///hook": "a host",
    "": "a host",
    "https://skua.example:8080": "port 8080",
    "https://skua.example:0": "port 0",
    "https://skua.example:99999": "no address",
    "https://skua.example:http": "no address",
    "https://[::1": "no address",
    "https://localhost": "local use",
    "https://a.localhost": "local use",
    "https://printer.local": "local use",
    "https://skua.internal": "local use",
    "https://skua": "no domain",
    "https://127.0.0.1": "reserved or private",
    "https://10.1.2.3": "reserved or private",
    "https://172.16.0.1": "reserved or private",
    "https://192.168.1.1": "reserved or private",
    "https://169.254.169.254": "reserved or private",
    "https://100.64.0.1": "reserved or private",
    "https://0.0.0.0": "reserved or private",
    "https://192.0.2.1": "reserved or private",
    "https://192.88.99.1": "reserved or private",
    "https://198.18.0.1": "reserved or private",
    "https://203.0.113.9": "reserved or private",
    "https://224.0.0.1": "reserved or private",
    "https://255.255.255.255": "reserved or private",
    "https://[::1]": "IPv6",
    "https://[2606:4700::1111]/hook": "IPv6",
    "https://127.1": "four numbers",
    "https://2130706433": "four numbers",
    "https://0x7f000001": "four numbers",
    "https://0x7f.1": "four numbers",
    "https://user@skua.example": "user name",
    "https://user:pass@skua.example": "user name",
    "https://@skua.example": "user name",
    "https://skua.example/#part": "# part",
    "https://skua .example": "spaces",
    "https://skua.example/a b": "spaces",
    "https://skua.example/\n": "spaces",
    "https://bücher.example": "punycode",
    "https://a..example": "no host name",
    "https://" + "a" * 64 + ".example": "no host name",
}


@pytest.mark.parametrize("url", FIT)
def test_an_address_that_telegram_calls_is_fit(url: str) -> None:
    check_public_url(url)


@pytest.mark.parametrize(("url", "problem"), UNFIT.items())
def test_an_address_that_telegram_does_not_call_is_refused_with_the_reason(
    url: str, problem: str
) -> None:
    with pytest.raises(PublicUrlUnfit, match=problem):
        check_public_url(url)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8080/hook", "http://localhost", "https://[::1]:9/hook", "http://skua:8000"],
)
def test_a_telegram_of_one_s_own_may_call_local_addresses(url: str) -> None:
    check_public_url(url, allow_local=True)


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1", "http://", "http://u:p@127.0.0.1", "http://a#b", "http://a:0", "x y"]
)
def test_what_is_no_web_address_is_refused_there_too(url: str) -> None:
    with pytest.raises(PublicUrlUnfit):
        check_public_url(url, allow_local=True)


def test_a_refusal_shows_neither_the_webhook_s_tag_nor_a_password() -> None:
    with pytest.raises(PublicUrlUnfit) as refusal:
        check_public_url("http://me:secret@skua.example/webhooks/telegram/abc/tag")

    assert refusal.value.url == "http://skua.example"
    assert "secret" not in str(refusal.value)
    assert "tag" not in str(refusal.value)


@given(st.text() | st.from_regex(r"https?://[^/]*(:\d+)?/.*"), st.booleans())
def test_any_text_is_fit_or_refused(url: str, allow_local: bool) -> None:  # noqa: FBT001 - drawn
    with contextlib.suppress(PublicUrlUnfit):
        check_public_url(url, allow_local=allow_local)
