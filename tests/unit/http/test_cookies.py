"""What is read of the cookies that were sent, and what is asked of a browser to keep."""

import pytest

from skua_core.domain.secret import Secret
from skua_http.cookies import (
    SESSION_COOKIE,
    device_cookie,
    no_session_cookie,
    read_cookie,
    session_cookie,
)

FLAGS = {"Path=/", "Secure", "HttpOnly", "SameSite=lax"}


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ([b"__Host-skua=abc"], "abc"),
        ([b"other=1; __Host-skua=abc; more=2"], "abc"),
        ([b"other=1", b"__Host-skua=abc"], "abc"),
        ([b"__Host-skua=a=b"], "a=b"),
        ([b"__Host-skua=abc; __Host-skua=abc"], "abc"),
        ([b"__Host-skua=abc; __Host-skua=def"], None),
        ([b"__host-skua=abc"], None),
        ([b"x__Host-skua=abc"], None),
        ([b"\xff\xfe;;=;"], None),
        ([], None),
    ],
)
def test_a_cookie_is_read_however_it_is_sent(lines: list[bytes], value: str | None) -> None:
    headers = [(b"cookie", line) for line in lines]

    assert read_cookie([*headers, (b"host", b"skua.example")], SESSION_COOKIE) == value


@pytest.mark.parametrize(
    ("line", "days"),
    [
        (session_cookie(Secret("token")).to_header(header=""), 30),
        (device_cookie(Secret("token")).to_header(header=""), 180),
        (no_session_cookie().to_header(header=""), 0),
    ],
)
def test_a_cookie_goes_to_this_host_over_a_secure_connection_and_to_no_script(
    line: str, days: int
) -> None:
    name, *attributes = line.split("; ")

    assert name.startswith("__Host-")
    assert set(attributes) == {*FLAGS, f"Max-Age={days * 86_400}"}
