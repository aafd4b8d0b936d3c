"""No other site makes a browser change anything here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.exceptions import HTTPException

from skua_http.origins import parse_origins
from skua_http.same_origin import CrossOrigin, SameOrigin
from tests.unit.http.plain import a_scope

OWN = "https://skua.example"
APP = "https://app.skua.example"
EVIL = "https://evil.example"
COOKIE = {"cookie": "theme=dark; __Host-skua=token"}
KEY = {"authorization": "Bearer skua_x_y"}
JSON = {"content-type": "application/json"}
UNSAFE = ["POST", "PUT", "PATCH", "DELETE"]


def passes(
    headers: dict[str, str],
    *,
    method: str = "POST",
    path: str = "/api/auth/login",
    public_url: str | None = f"{OWN}/",
) -> bool:
    try:
        SameOrigin(public_url, [APP]).check(a_scope(method, path, headers))
    except CrossOrigin:
        return False
    return True


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-site", "origin": APP},
        {"sec-fetch-site": "cross-site", "origin": APP},
        {"origin": OWN},
        {"origin": APP},
    ],
)
@pytest.mark.parametrize("cookie", [{}, COOKIE])
def test_our_own_pages_and_allowed_ones_may(
    method: str, headers: dict[str, str], cookie: dict[str, str]
) -> None:
    assert passes({**headers, **cookie}, method=method)


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": OWN},
        {"sec-fetch-site": "cross-site", "origin": EVIL},
        {"sec-fetch-site": ""},
        {"sec-fetch-site": "Same-Origin"},
        {"sec-fetch-site": "new-value"},
        {"origin": EVIL},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://skua.example"},
        {"origin": "https://skua.example:8443"},
        {"origin": "https://skua.example.evil.example"},
        {"origin": "https://other.skua.example"},
        {"origin": f"{APP}/"},
        {"origin": APP.upper()},
    ],
)
@pytest.mark.parametrize("cookie", [{}, COOKIE])
def test_other_sites_may_not_with_a_cookie_or_without(
    method: str, headers: dict[str, str], cookie: dict[str, str]
) -> None:
    """Without one, too: signing in would plant one."""
    assert not passes({**headers, **cookie}, method=method)


@pytest.mark.parametrize("cookie", [*COOKIE.values(), "__Host-skua=", " __Host-skua = x"])
def test_a_session_without_any_proof_is_refused(cookie: str) -> None:
    assert not passes({"cookie": cookie})


@pytest.mark.parametrize("cookie", ["theme=dark", "x__Host-skua=1", "a=__Host-skua", ""])
def test_a_program_without_a_session_has_nothing_to_prove(cookie: str) -> None:
    assert passes({"cookie": cookie})
    assert passes({})


@pytest.mark.parametrize("headers", [{}, {"origin": EVIL}, {"sec-fetch-site": "cross-site"}])
def test_a_program_with_a_key_has_nothing_to_prove(headers: dict[str, str]) -> None:
    assert passes({**headers, **KEY}, path="/api/bots")


@pytest.mark.parametrize("headers", [{}, {"origin": EVIL}, {"sec-fetch-site": "cross-site"}])
def test_a_key_beside_a_session_excuses_nothing(headers: dict[str, str]) -> None:
    assert not passes({**headers, **KEY, **COOKIE})


@pytest.mark.parametrize("name", ["sec-fetch-site", "origin"])
def test_what_is_said_twice_proves_nothing(name: str) -> None:
    good = b"same-origin" if name == "sec-fetch-site" else OWN.encode()
    twice = a_scope("POST", "/api/auth/login", [(name.encode(), good), (name.encode(), good)])

    with pytest.raises(CrossOrigin):
        SameOrigin(OWN, []).check(twice)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_needs_no_proof(method: str) -> None:
    assert passes({"origin": EVIL, **COOKIE}, method=method)


@pytest.mark.parametrize("path", ["/webhooks/stripe", "/webhooks/telegram/a/b", "/healthz"])
def test_what_reads_no_cookie_needs_no_proof(path: str) -> None:
    assert passes({"sec-fetch-site": "cross-site", "content-type": "text/plain"}, path=path)


@pytest.mark.parametrize(
    ("host", "origin", "expected"),
    [
        ("skua.example", "https://skua.example", True),
        ("Skua.Example", "https://skua.example", True),
        ("127.0.0.1:8080", "http://127.0.0.1:8080", True),
        ("[::1]:8080", "http://[::1]:8080", True),
        ("127.0.0.1:8080", "http://127.0.0.1:9000", False),
        ("skua.example", "https://skua.example:8443", False),
        ("skua.example", "https://skua.example.evil.example", False),
        ("skua.example", "https://user@skua.example", False),
        ("skua.example", "null", False),
        ("", "https://", False),
    ],
)
def test_without_a_public_address_the_one_that_was_asked_for_is_ours(
    host: str, origin: str, *, expected: bool
) -> None:
    assert passes({"host": host, "origin": origin}, public_url=None) is expected


def test_the_host_header_says_nothing_where_the_public_address_is_known() -> None:
    assert not passes({"host": "evil.example", "origin": EVIL})


@given(
    site=st.none() | st.text(st.characters(codec="latin-1")),
    origin=st.none() | st.text(st.characters(codec="latin-1")),
)
def test_nothing_but_the_known_words_proves_anything(site: str | None, origin: str | None) -> None:
    headers = {"sec-fetch-site": site, "origin": origin, **COOKIE}
    sent = {name: value for name, value in headers.items() if value is not None}
    said = {name: value.strip() for name, value in sent.items()}
    own = said["sec-fetch-site"] in {"same-origin", "none"} if site is not None else origin == OWN

    assert passes(sent) == (own or said.get("origin") == APP)


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain", "content-length": "2"},
        {"content-type": "application/x-www-form-urlencoded", "content-length": "2"},
        {"content-type": "multipart/form-data; boundary=x", "transfer-encoding": "chunked"},
        {"content-type": "application/jsonp", "content-length": "2"},
        {"content-type": "text/plain; application/json", "content-length": "2"},
        {"content-type": "text/plain"},
        {"content-type": "", "content-length": "2"},
        {"content-length": "2"},
        {"transfer-encoding": "chunked"},
    ],
)
@pytest.mark.parametrize("who", [{"sec-fetch-site": "same-origin"}, KEY])
def test_a_body_that_is_not_json_is_refused(headers: dict[str, str], who: dict[str, str]) -> None:
    with pytest.raises(HTTPException) as caught:
        SameOrigin(OWN, []).check(a_scope("POST", "/api/auth/login", {**headers, **who}))

    assert caught.value.status_code == 415


def test_two_types_of_body_are_none() -> None:
    both = [(b"content-type", b"application/json"), (b"content-type", b"text/plain")]

    with pytest.raises(HTTPException):
        SameOrigin(OWN, []).check(a_scope("POST", "/api/auth/login", [*both]))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-length": "0"},
        {"content-type": "application/json", "content-length": "2"},
        {"content-type": "Application/JSON ; charset=utf-8", "content-length": "2"},
    ],
)
def test_json_or_nothing_is_what_bodies_are_made_of(headers: dict[str, str]) -> None:
    assert passes({**headers, "sec-fetch-site": "same-origin"})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("app.example", "'app.example' is not an origin such as https://app.example"),
        ("*", "is not an origin"),
        ("null", "is not an origin"),
        ("https://", "is not an origin"),
        ("https://*.example", "is not an origin"),
        ("https://app example", "is not an origin"),
        ("ftp://app.example", "is not an origin"),
        ("https://app.example:port", "is not an origin"),
        ("https://bücher.example", "is not an origin"),
        ("https://app.example/", "write https://app.example"),
        ("https://app.example/login?next=/", "write https://app.example"),
        ("https://App.Example", "write https://app.example"),
        ("https://app.example:443", "write https://app.example"),
        ("https://user:pass@app.example", "no origin has a user or a password in it"),
        ("http://app.example", "isn't https"),
        ("https://app.example,", "a comma too many"),
        (",", "a comma too many"),
    ],
)
def test_an_origin_that_no_browser_would_send_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says.replace("?", r"\?").replace("*", r"\*")):
        parse_origins(text)


def test_origins_are_read_as_browsers_send_them() -> None:
    text = "https://app.example, https://app.example:8443,http://localhost:5173,http://[::1]:5173"

    assert parse_origins(text) == (
        "https://app.example",
        "https://app.example:8443",
        "http://localhost:5173",
        "http://[::1]:5173",
    )
