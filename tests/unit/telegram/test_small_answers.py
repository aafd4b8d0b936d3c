"""The short way takes the plainest answers alone; everything else is aiohttp's to judge."""

import pytest

from skua_adapters.messenger.telegram_protocol import Answer, read_small_answer

BODY = b'{"ok":true}'
HEAD = b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: application/json\r\n"


def answer(*headers: bytes, body: bytes = BODY, head: bytes = HEAD) -> bytes:
    return head + b"".join(header + b"\r\n" for header in headers) + b"\r\n" + body


@pytest.mark.parametrize(
    "headers",
    [
        (b"Content-Length: 11",),
        (b"content-length: 11", b"Connection: keep-alive"),
        (b"CONNECTION: Keep-Alive", b"CONTENT-LENGTH: 11"),
    ],
)
def test_a_whole_plain_answer_is_read(headers: tuple[bytes, ...]) -> None:
    assert read_small_answer(answer(*headers)) == Answer(200, BODY)


def test_its_status_is_told() -> None:
    head = b"HTTP/1.1 429 Too Many Requests\r\n"

    assert read_small_answer(answer(b"Content-Length: 11", head=head)) == Answer(429, BODY)


@pytest.mark.parametrize("end", range(len(answer(b"Content-Length: 11"))))
def test_a_part_of_an_answer_is_left_to_the_parser(end: int) -> None:
    assert read_small_answer(answer(b"Content-Length: 11")[:end]) is None


@pytest.mark.parametrize(
    "data",
    [
        answer(b"Content-Length: 11") * 2,
        answer(b"Content-Length: 10"),
        answer(b"Content-Length: 12"),
        answer(b"Content-Length: 11", b"Content-Length: 11"),
        answer(b"Content-Length: 11", b"Content-Length : 12"),
        answer(b"Content-Length: 11", b"X: y\r\n content-length: 12"),
        answer(b"Content-Length: +11"),
        answer(b"Content-Length: 11, 11"),
        answer(b"X-Content-Length: 11"),
        answer(),
        answer(b"Content-Length: 11", b"Transfer-Encoding: chunked"),
        answer(b"Content-Length: 11", b"Content-Encoding: gzip"),
        answer(b"Content-Length: 11", b"Connection: close"),
        answer(b"Content-Length: 11", b"Connection: keep-alive, close"),
        answer(b"Content-Length: 11", b"Connection: upgrade"),
        answer(b"Content-Length: 11", head=b"HTTP/1.0 200 OK\r\n"),
        answer(b"Content-Length: 11", head=b"HTTP/1.1 2000 OK\r\n"),
        answer(b"Content-Length: 11", head=b"HTTP/1.1 100 Continue\r\n"),
        answer(b"Content-Length: 0", body=b"", head=b"HTTP/1.1 204 No Content\r\n"),
        answer(b"Content-Length: 11", head=b"ICY 200 OK\r\n"),
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
    ],
)
def test_anything_else_is_left_to_the_parser(data: bytes) -> None:
    assert read_small_answer(data) is None
