"""Messages with media, buttons and variants, from the shell to the simulated Telegram."""

import struct
import zlib
from collections import Counter

import pytest

from skua_adapters.telegram_simulator import ReceiptBook
from skua_adapters.telegram_simulator.receipts import Receipt
from tests.e2e.cli.conftest import FIRST_USER, Installation

RECIPIENTS = 12
PORTUGUESE = 4
"""So many of them."""


def png(side: int) -> bytes:
    """A grey square."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checked = name + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    rows = (b"\x00" + b"\x80" * side) * side
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.fixture(scope="module")
def ready(installation: Installation) -> Installation:
    """With a bot and its subscribers, and files to send."""
    house = installation.house
    house.objects("bot", "add", "gulls", typed=f"{installation.token}\n")
    languages = ["pt"] * PORTUGUESE + ["en"] * (RECIPIENTS - PORTUGUESE)
    lines = (f"{FIRST_USER + number},Ana,{language}\n" for number, language in enumerate(languages))
    listed = "chat_id,first_name,language\n" + "".join(lines)
    house.objects("subscribers", "import", "-", typed=listed)
    (house.place / "gull.png").write_bytes(png(40))
    (house.place / "nest.png").write_bytes(png(60))
    (house.place / "pt.html").write_text("Olá {{ first_name }}", encoding="utf-8")
    return installation


def sent_by(ready: Installation, *words: str) -> list[Receipt]:
    """What Telegram took when this message was sent to everybody."""
    known = len(ReceiptBook.read(ready.receipts).accepted())
    ready.house.objects("broadcast", "send", *words)
    last = ready.house.objects("broadcast", "watch")[-1]
    assert (last["status"], last["sent"]) == ("completed", RECIPIENTS)
    return ReceiptBook.read(ready.receipts).accepted()[known:]


def sources_of(receipts: list[Receipt]) -> Counter[str]:
    """Where Telegram had their media from."""
    return Counter(medium.source for receipt in receipts for medium in receipt.media)


def test_a_photo_goes_to_telegram_once_and_to_everybody_in_their_language(
    ready: Installation,
) -> None:
    receipts = sent_by(
        ready,
        *("--photo", "gull.png", "--text", "Hello {{ first_name }}", "--variant", "pt=pt.html"),
        *("--button", "In = tag:guest, answer:See you!", "--protect"),
    )

    assert {receipt.method for receipt in receipts} == {"sendPhoto"}
    assert Counter(receipt.caption for receipt in receipts) == {
        "Olá Ana": PORTUGUESE,
        "Hello Ana": RECIPIENTS - PORTUGUESE,
    }
    assert sources_of(receipts) == {"upload": 1, "file_id": RECIPIENTS - 1}


def test_an_album_is_uploaded_once(ready: Installation) -> None:
    receipts = sent_by(ready, "--photo", "gull.png", "--photo", "nest.png", "--text", "Two")

    assert {receipt.method for receipt in receipts} == {"sendMediaGroup"}
    assert sources_of(receipts) == {"upload": 2, "file_id": 2 * (RECIPIENTS - 1)}
    assert len({medium.key for receipt in receipts for medium in receipt.media}) == 2


def test_a_message_is_copied_with_another_caption_and_buttons(ready: Installation) -> None:
    (original, *_) = sent_by(ready, "--photo", "nest.png", "--text", "The nest")

    receipts = sent_by(
        ready,
        *(
            "--copy",
            f"{original.chat_id}:{original.message_id}",
            "--text",
            "Seen, {{ first_name }}",
        ),
        *("--button", "Where = https://skua.example/map"),
    )

    assert {(receipt.method, receipt.caption) for receipt in receipts} == {
        ("copyMessage", "Seen, Ana")
    }
    assert {medium.key for receipt in receipts for medium in receipt.media} == {
        medium.key for medium in original.media
    }


def test_nothing_is_uploaded_before_somebody_has_agreed(ready: Installation) -> None:
    before = ready.house.objects("audit", "verify")

    code, shown = ready.house.on_a_terminal(
        *("broadcast", "send", "--photo", "gull.png", "--silent"), answers={"Send it?": "n\n"}
    )

    assert code == 1
    assert "photo gull.png (1 KB)" in shown
    assert "It arrives without a sound." in shown
    assert ready.house.objects("audit", "verify") == before


def test_a_text_that_is_no_text_is_one_line(ready: Installation) -> None:
    done = ready.house.skua("broadcast", "send", "--text", "Hi \udce9")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("skua: Line 1, column 4: half a character stands here")
    assert done.stderr.count("\n") == 1


def test_a_photo_that_is_none_is_one_line_and_nothing_is_kept(ready: Installation) -> None:
    (ready.house.place / "gull.txt").write_text("a gull")
    before = ready.house.objects("audit", "verify")

    done = ready.house.skua("broadcast", "send", "--photo", "gull.txt")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "skua: The photo 'gull.txt' can't be sent: a photo is a JPEG, PNG or WebP, and this is "
        "none; it may go as a document.\n"
    )
    assert ready.house.objects("audit", "verify") == before
