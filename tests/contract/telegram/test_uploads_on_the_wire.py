"""What TelegramMessenger makes of uploads that break off, over a real socket."""

import asyncio
import hashlib
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from skua_adapters.messenger.telegram import TelegramMessenger, TelegramMessengerSettings
from skua_core.domain.content import RenderedMessage
from skua_core.domain.media import MediaKind, Medium
from skua_core.errors import MediumMissing, StorageUnavailable
from skua_core.ids import MediaId
from skua_core.ports.messenger import (
    Blame,
    FileSource,
    NotSent,
    OutboundMessage,
    Refused,
    SendOutcome,
    Sent,
    Throttled,
    Unknown,
)
from tests.contract.rigs.media_files import a_failing_file, a_file, a_png, an_upload_id
from tests.contract.rigs.telegram import ANA, TOKEN
from tests.contract.rigs.telegram_form import Part, parts_of
from tests.contract.rigs.telegram_wire import (
    Answer,
    bytes_of,
    hangs,
    resets,
    says,
    says_and_closes,
    wire,
)

SUCCESS = bytes_of(
    "200 OK",
    b'{"ok":true,"result":{"message_id":7,"photo":[{"file_id":"AgAC","width":9,"height":9}]}}',
)
MB = 1024 * 1024
PICTURE = a_png()


@asynccontextmanager
async def messenger_for(base: str, **settings: Any) -> AsyncIterator[TelegramMessenger]:
    messenger = TelegramMessenger(TelegramMessengerSettings(api_base=base, **settings))
    try:
        yield messenger
    finally:
        await messenger.close()


def a_message(source: FileSource, *, album: bool = False) -> OutboundMessage:
    media_id = an_upload_id()
    media = [Medium(MediaKind.PHOTO, upload=media_id)]
    if album:
        media.append(Medium(MediaKind.PHOTO, file_id="AgAC"))
    content = RenderedMessage("Spring", media=tuple(media))
    return OutboundMessage(ANA, content, files={media_id: source})


def endless(size: int = 40 * MB, *, piece: int = MB) -> FileSource:
    async def read() -> AsyncIterator[bytes]:
        for _ in range(size // piece):
            yield bytes(piece)

    return FileSource("film.mp4", size, read)


@dataclass
class Server:
    """Reads ``take`` bytes of each connection, then does what ``answer`` does and closes."""

    take: int
    answer: Answer
    base: str = ""
    taken: int = 0
    saw_enough: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while self.taken < self.take:
                data = await reader.read(min(65536, self.take - self.taken))
                if not data:
                    return
                self.taken += len(data)
            self.saw_enough.set()
            await self.answer(writer)
            writer.close()
        except ConnectionError:
            pass
        finally:
            self.ended.set()
            writer.transport.abort()


@asynccontextmanager
async def server(take: int, answer: Answer) -> AsyncIterator[Server]:
    it = Server(take, answer)
    listening = await asyncio.start_server(it.serve, "127.0.0.1", 0)
    it.base = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield it
    finally:
        listening.close()


async def outcome_of(
    answer: Answer, source: FileSource | None = None, *, album: bool = False, **settings: Any
) -> SendOutcome:
    async with wire(answer) as other_end, messenger_for(other_end.base, **settings) as messenger:
        return await messenger.send(TOKEN, a_message(source or a_file(PICTURE), album=album))


async def early_outcome(
    answer: Answer, *, take: int = 100_000, album: bool = False, **settings: Any
) -> SendOutcome:
    """Of an answer that comes before the file is whole."""
    async with (
        server(take, answer) as other_end,
        messenger_for(other_end.base, **settings) as messenger,
    ):
        return await messenger.send(TOKEN, a_message(endless(), album=album))


async def test_a_file_comes_whole_with_its_name_as_it_is_and_a_known_length() -> None:
    source = a_file(PICTURE, 'Весна "\N{OWL}".png'.replace('"', "'"))
    async with wire(says(SUCCESS)) as other_end, messenger_for(other_end.base) as messenger:
        assert await messenger.send(TOKEN, a_message(source)) == Sent(7, ("AgAC",))

        [request] = other_end.requests
    assert request.path == f"/bot{TOKEN.reveal()}/sendPhoto"
    assert int(request.headers["content-length"]) == len(request.body)
    assert "transfer-encoding" not in request.headers
    assert parts_of(request) == [
        Part("chat_id", str(ANA).encode()),
        Part("caption", b"Spring"),
        Part("photo", PICTURE, "Весна '\N{OWL}'.png"),
    ]
    # As it stands: Telegram's server doesn't decode it.
    assert "filename=\"Весна '\N{OWL}'.png\"".encode() in request.body


async def test_after_an_upload_the_connection_serves_the_next_send() -> None:
    async with wire(says(SUCCESS)) as other_end, messenger_for(other_end.base) as messenger:
        for _ in range(3):
            assert isinstance(await messenger.send(TOKEN, a_message(a_file(PICTURE))), Sent)

        assert other_end.connections == 1
        assert len(other_end.requests) == 3


@pytest.mark.parametrize(
    ("answer", "answered"),
    [
        (says_and_closes(), False),
        (resets(), False),
        (hangs(), False),
        (says(bytes_of("502 Bad Gateway", b"<html>")), True),
        (says(bytes_of("200 OK", b"<html>")), True),
        (says_and_closes(b"SSH-2.0-OpenSSH_9.6\r\n"), True),
    ],
)
async def test_once_the_whole_request_has_left_its_fate_is_unknown(
    answer: Answer, *, answered: bool
) -> None:
    outcome = await outcome_of(
        answer, timeout=0.5, connect_timeout=0.4, longest_upload=0.5, slowest_upload=MB
    )

    assert isinstance(outcome, Unknown)
    assert outcome.answered is answered


@pytest.mark.parametrize("album", [False, True])
@pytest.mark.parametrize("take", [0, 10, 100_000, 5 * MB])
@pytest.mark.parametrize("answer", [says_and_closes(), resets()])
async def test_a_connection_that_ends_amid_the_file_leaves_the_message_unsent(
    answer: Answer, take: int, *, album: bool
) -> None:
    assert isinstance(await early_outcome(answer, take=take, album=album), NotSent)


async def test_a_file_that_takes_too_long_leaves_the_message_unsent() -> None:
    outcome = await early_outcome(
        hangs(), timeout=0.3, connect_timeout=0.2, longest_upload=0.3, slowest_upload=1000 * MB
    )

    assert isinstance(outcome, NotSent)


async def test_a_large_file_has_more_time_than_a_message() -> None:
    async def slowly(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.6)
        writer.write(SUCCESS)
        await writer.drain()

    short: dict[str, Any] = {"timeout": 0.3, "connect_timeout": 0.2}
    assert isinstance(await outcome_of(slowly, **short, slowest_upload=1000 * MB), Unknown)
    assert isinstance(await outcome_of(slowly, **short, slowest_upload=20), Sent)
    bounded = await outcome_of(slowly, **short, slowest_upload=20, longest_upload=0.4)
    assert isinstance(bounded, Unknown)


def says_and_lingers(answer: bytes) -> Answer:
    """Close a little later, so that the answer isn't lost to the reset, as servers do."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        await asyncio.sleep(0.1)

    return write


ENVELOPE = b'{"ok":false,"error_code":%d,"description":"%b","parameters":%b}'


@pytest.mark.parametrize("closes", [False, True])
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (
            bytes_of("413 Request Entity Too Large", b"<html>nginx</html>", "Connection: close"),
            Refused("Request Entity Too Large", Blame.MEDIUM),
        ),
        (
            bytes_of("429 Too Many Requests", ENVELOPE % (429, b"", b'{"retry_after":5}')),
            Throttled(5),
        ),
        (
            bytes_of("502 Bad Gateway", b"<html>nginx</html>", "Connection: close"),
            NotSent("answered 502 before the request was whole"),
        ),
    ],
)
@pytest.mark.parametrize("album", [False, True])
async def test_an_answer_amid_the_file_is_sure_that_nothing_was_accepted(
    answer: bytes, outcome: SendOutcome, *, album: bool, closes: bool
) -> None:
    reply = says_and_lingers(answer) if closes else hangs(answer)

    assert await early_outcome(reply, album=album) == outcome


async def test_a_refused_album_amid_the_file_was_refused() -> None:
    words = 'Bad Request: failed to send message #1 with the error message "MEDIA_EMPTY"'
    body = b'{"ok":false,"description":"%b"}' % words.replace('"', '\\"').encode()

    outcome = await early_outcome(hangs(bytes_of("400 Bad Request", body)), album=True)

    assert outcome == Refused(words, Blame.MEDIUM)


@pytest.mark.parametrize("album", [False, True])
@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (
            MediumMissing(MediaId(an_upload_id())),
            "The file of medium",
        ),
        (StorageUnavailable("no connection"), NotSent("StorageUnavailable")),
    ],
)
async def test_a_file_that_breaks_off_on_our_side_was_never_accepted(
    error: Exception, outcome: SendOutcome | str, *, album: bool
) -> None:
    async with wire(says(SUCCESS)) as other_end, messenger_for(other_end.base) as messenger:
        got = await messenger.send(TOKEN, a_message(a_failing_file(error), album=album))

        assert other_end.requests == []
        assert isinstance(await messenger.send(TOKEN, a_message(a_file(PICTURE))), Sent)
        # The half request's connection is never used again.
        assert other_end.connections == 2
    if isinstance(outcome, str):
        assert isinstance(got, Refused)
        assert got.blame is Blame.MEDIUM
        assert got.description.startswith(outcome)
    else:
        assert got == outcome


@pytest.mark.parametrize("declared", [len(PICTURE) - 1, len(PICTURE) + 1, 0])
async def test_a_file_of_another_length_than_declared_is_not_sent(declared: int) -> None:
    source = FileSource("spring.png", declared, a_file(PICTURE).read)
    async with wire(says(SUCCESS)) as other_end, messenger_for(other_end.base) as messenger:
        outcome = await messenger.send(TOKEN, a_message(source))

        assert isinstance(outcome, Refused)
        assert outcome.blame is Blame.MEDIUM
        assert other_end.requests == []


async def test_a_source_is_closed_when_the_upload_ends_early() -> None:
    closed = asyncio.Event()

    async def read() -> AsyncIterator[bytes]:
        try:
            for _ in range(40):
                yield bytes(MB)
        finally:
            closed.set()

    async with (
        server(1000, says_and_closes()) as other_end,
        messenger_for(other_end.base) as messenger,
    ):
        await messenger.send(TOKEN, a_message(FileSource("film.mp4", 40 * MB, read)))

        assert closed.is_set()


async def test_a_cancelled_upload_lets_go_of_its_connection_and_its_file() -> None:
    reading, closed = asyncio.Event(), asyncio.Event()

    async def read() -> AsyncIterator[bytes]:
        try:
            yield bytes(MB)
            reading.set()
            await asyncio.Event().wait()
        finally:
            closed.set()

    async with server(40 * MB, hangs()) as other_end, messenger_for(other_end.base) as messenger:
        source = FileSource("film.mp4", 40 * MB, read)
        sending = asyncio.create_task(messenger.send(TOKEN, a_message(source)))
        await reading.wait()
        sending.cancel()

        with pytest.raises(asyncio.CancelledError):
            await sending
        assert closed.is_set()
        async with asyncio.timeout(5):
            await other_end.ended.wait()


async def test_closing_ends_an_upload_under_way_as_not_sent() -> None:
    async with server(100_000, hangs()) as other_end, messenger_for(other_end.base) as messenger:
        sending = asyncio.create_task(messenger.send(TOKEN, a_message(endless())))
        await other_end.saw_enough.wait()
        await messenger.close()

        async with asyncio.timeout(5):
            assert isinstance(await sending, NotSent)


async def test_nothing_is_uploaded_where_nobody_listens() -> None:
    async with wire(says(SUCCESS)) as gone:
        base = gone.base

    async with messenger_for(base) as messenger:
        assert isinstance(await messenger.send(TOKEN, a_message(endless())), NotSent)


async def test_forty_megabytes_go_out_in_little_memory() -> None:
    digest, size = hashlib.sha256(), 40 * MB
    pieces = [bytes([number]) * (512 * 1024) for number in range(4)]

    async def read() -> AsyncIterator[bytes]:
        for number in range(80):
            yield pieces[number % 4]

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        left = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while left:
            data = await reader.read(65536)
            digest.update(data)
            left -= len(data)
        writer.write(SUCCESS)
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(take, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with messenger_for(base) as messenger:
        await messenger.send(TOKEN, a_message(a_file(PICTURE)))
        tracemalloc.start()
        try:
            outcome = await messenger.send(TOKEN, a_message(FileSource("film.mp4", size, read)))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    listening.close()

    assert isinstance(outcome, Sent)
    assert peak < 4 * MB


async def test_a_name_that_is_no_unicode_is_refused_unsent() -> None:
    async with wire(says(SUCCESS)) as other_end, messenger_for(other_end.base) as messenger:
        outcome = await messenger.send(TOKEN, a_message(a_file(PICTURE, "\ud83d.png")))

        assert isinstance(outcome, Refused)
        assert other_end.requests == []


@pytest.mark.parametrize(
    "settings", [{"slowest_upload": 0}, {"longest_upload": 10}, {"slowest_upload": -1}]
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="slowest_upload is above 0"):
        TelegramMessengerSettings(**settings)
