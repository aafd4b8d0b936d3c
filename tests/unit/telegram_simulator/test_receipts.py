"""The receipt book as a file and as a list."""

from pathlib import Path
from typing import Any

import pytest

from skua_adapters.telegram_simulator.errors import ReceiptBookUnfit
from skua_adapters.telegram_simulator.receipts import (
    MediaSource,
    Receipt,
    ReceiptAnswer,
    ReceiptBook,
    ReceiptMedia,
    ReceiptUpload,
    ReceiptWriter,
)


def _receipt(at: float, **changes: Any) -> Receipt:
    facts: dict[str, Any] = {
        "number": 1,
        "at": at,
        "monotonic": at,
        "bot_id": 42,
        "method": "sendMessage",
        "accepted": True,
        "answer": ReceiptAnswer.OK,
        "chat_id": 1,
        "text": "hello",
    }
    return Receipt(**(facts | changes))


def test_what_was_written_is_read_in_the_order_of_arrival(tmp_path: Path) -> None:
    path = tmp_path / "book"
    late, early = _receipt(2.0, parameters={"entities": []}), _receipt(1.0, chat_id=2)
    for receipt in (late, early):
        writer = ReceiptWriter(path)
        writer.write(receipt)
        writer.close()

    assert list(ReceiptBook.read(path)) == [early, late]


def test_a_line_that_is_still_being_written_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "book"
    writer = ReceiptWriter(path)
    writer.write(_receipt(1.0))
    writer.close()
    path.write_bytes(path.read_bytes() + b'{"number": 2, "at"')

    assert len(ReceiptBook.read(path)) == 1


def test_a_file_that_is_no_book_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "book"
    path.write_text("no receipt\n")

    with pytest.raises(ReceiptBookUnfit, match="no receipt"):
        ReceiptBook.read(path)
    with pytest.raises(ReceiptBookUnfit, match="No such file"):
        ReceiptBook.read(tmp_path / "none")
    with pytest.raises(ReceiptBookUnfit, match="Is a directory"):
        ReceiptWriter(tmp_path)


def test_a_full_disk_is_said() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full to stand in for a full disk")
    writer = ReceiptWriter(full)

    with pytest.raises(ReceiptBookUnfit, match="No space left"):
        writer.write(_receipt(1.0))
    writer.close()


def test_duplicates_are_the_same_text_in_the_same_chat_accepted_twice() -> None:
    book = ReceiptBook(
        [
            _receipt(1.0),
            _receipt(2.0, answer=ReceiptAnswer.DROPPED),
            _receipt(3.0, accepted=False),
            _receipt(4.0, chat_id=2),
            _receipt(5.0, text="other"),
            _receipt(6.0, bot_id=43, chat_id=2),
        ]
    )

    assert [len(twice) for twice in book.duplicates(bot_id=42).values()] == [2]
    assert len(book.accepted(bot_id=42)) == 4
    assert len(book.calls(bot_id=42)) == 5
    assert len(book.calls(None)) == 6
    assert book.calls("getMe") == []


def _throttled(at: float, retry_after: int, **changes: Any) -> Receipt:
    return _receipt(at, accepted=False, retry_after=retry_after, limit="token", **changes)


def test_messages_during_a_wait_are_found() -> None:
    book = ReceiptBook(
        [
            _throttled(10.0, 3, latency=0.2),
            _receipt(10.1, chat_id=2),  # under way before the answer was there
            _throttled(10.15, 3),
            _receipt(12.0, chat_id=3),
            _receipt(13.3, chat_id=4),
        ]
    )

    assert [receipt.chat_id for receipt in book.sent_during_a_wait(bot_id=42)] == [3]


def test_a_wait_of_one_chat_holds_nobody_else() -> None:
    waits = _receipt(10.0, accepted=False, retry_after=3, limit="chat")

    assert ReceiptBook([waits, _receipt(11.0)]).sent_during_a_wait(bot_id=42) == []


def test_the_body_is_what_was_sent() -> None:
    receipt = _receipt(1.0, caption="hi", parameters={"parse_mode": "HTML"})

    assert receipt.body == {"chat_id": 1, "text": "hello", "caption": "hi", "parse_mode": "HTML"}


def _photo(at: float, key: str, **changes: Any) -> Receipt:
    medium = ReceiptMedia(kind="photo", key=key, source=MediaSource.FILE_ID)
    facts: dict[str, Any] = {"method": "sendPhoto", "text": None, "media": (medium,)}
    return _receipt(at, **(facts | changes))


def test_two_photos_are_the_same_when_picture_and_caption_are() -> None:
    book = ReceiptBook(
        [
            _photo(1.0, "a"),
            _photo(2.0, "b"),
            _photo(3.0, "a", caption="hi"),
            _photo(4.0, "a", caption="hi"),
        ]
    )

    (twice,) = book.duplicates().values()
    assert [receipt.monotonic for receipt in twice] == [3.0, 4.0]


def test_two_copies_are_the_same_when_they_are_of_one_message() -> None:
    copies = [
        _receipt(
            at,
            method="copyMessage",
            text=None,
            parameters={"from_chat_id": 7, "message_id": message_id},
        )
        for at, message_id in ((1.0, 1), (2.0, 2), (3.0, 2))
    ]

    assert [len(twice) for twice in ReceiptBook(copies).duplicates().values()] == [2]


def test_a_wait_is_broken_by_whatever_is_sent() -> None:
    book = ReceiptBook([_throttled(10.0, 3), _photo(11.0, "a"), _receipt(12.0, method="getMe")])

    assert [receipt.method for receipt in book.sent_during_a_wait(bot_id=42)] == ["sendPhoto"]
    assert len(book.sends(bot_id=42)) == 2


def test_uploads_are_found_by_bot_and_content_also_of_refused_requests() -> None:
    upload = ReceiptUpload(name="photo", digest="d", size=3, file_name="cat.png")
    book = ReceiptBook(
        [
            _photo(1.0, "a", uploads=(upload,), accepted=False),
            _photo(2.0, "a", uploads=(upload,)),
            _photo(3.0, "a", uploads=(upload,), bot_id=43),
            _photo(4.0, "a"),
        ]
    )

    counts = {key: len(receipts) for key, receipts in book.uploads().items()}
    assert counts == {(42, "d"): 2, (43, "d"): 1}
    assert list(book.uploads(bot_id=43)) == [(43, "d")]


def test_media_are_read_back_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "book"
    upload = ReceiptUpload(name="photo", digest="d", size=3)
    receipt = _photo(1.0, "a", uploads=(upload,), message_ids=(1, 2), paid=True, stars=0.1)
    writer = ReceiptWriter(path)
    writer.write(receipt)
    writer.close()

    assert list(ReceiptBook.read(path)) == [receipt]
