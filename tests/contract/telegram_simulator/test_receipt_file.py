"""The receipt book of a running simulator, read from its file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiogram.methods import SendMessage, SetWebhook

from skua_adapters.telegram_simulator import (
    ReceiptAnswer,
    ReceiptBook,
    SimulatorSettings,
    TelegramSimulator,
)
from tests.contract.telegram_simulator.conftest import ANA, BOT, TOKEN, Call


@pytest.fixture
def book_path(tmp_path: Path) -> Path:
    return tmp_path / "book.jsonl"


@pytest.fixture
def settings(settings: SimulatorSettings, book_path: Path) -> SimulatorSettings:
    changes: dict[str, Any] = {"receipt_book": book_path}
    return msgspec.structs.replace(settings, **changes)


async def test_a_receipt_is_in_the_file_before_its_answer_arrives(
    call: Call, book_path: Path
) -> None:
    answer = await call("sendMessage", chat_id=ANA, text="<b>hi</b>", parse_mode="HTML")

    (receipt,) = ReceiptBook.read(book_path)
    assert receipt.accepted
    assert receipt.message_id == answer["result"]["message_id"]
    assert receipt.body == {"chat_id": ANA, "text": "<b>hi</b>", "parse_mode": "HTML"}


async def test_every_request_is_written_down_also_the_refused(
    call: Call, book_path: Path, simulator: TelegramSimulator
) -> None:
    await call("getMe")
    await call("sendMessage", chat_id=1, text="hi")
    await call("getMe", "42:wrong")
    await call("noSuchMethod")

    receipts = ReceiptBook.read(book_path).receipts

    assert receipts == simulator.book.receipts
    assert [(receipt.method, receipt.error_code) for receipt in receipts] == [
        ("getMe", None),
        ("sendMessage", 400),
        ("getMe", 401),
        ("noSuchMethod", 404),
    ]
    assert [receipt.answer for receipt in receipts][1:] == [ReceiptAnswer.REFUSED] * 3
    assert {receipt.bot_id for receipt in receipts} == {BOT}


@pytest.fixture
def content(book_path: Path) -> Callable[[], str]:
    return book_path.read_text


async def test_the_file_holds_no_secret(call: Call, content: Callable[[], str]) -> None:
    await call("setWebhook", url="http://127.0.0.1:9/", secret_token="hidden_webhook_secret")
    await call("getMe", "42:AAA-some_wrong_secret")

    for secret in ("hidden_webhook_secret", "some_wrong_secret", TOKEN.partition(":")[2]):
        assert secret not in content()
    assert "setWebhook" in content()


async def test_bodies_can_be_held_to_a_foreign_librarys_method_classes(
    call: Call, book_path: Path
) -> None:
    await call("sendMessage", chat_id=ANA, text="hi", protect_content=True)
    await call("setWebhook", url="http://127.0.0.1:9/", secret_token="x", max_connections=5)

    sent, hooked = ReceiptBook.read(book_path)

    assert SendMessage.model_validate(sent.body, extra="forbid").protect_content is True
    assert SetWebhook.model_validate(hooked.body, extra="forbid").max_connections == 5


async def test_a_second_run_goes_on_in_the_same_file(
    call: Call, book_path: Path, settings: SimulatorSettings
) -> None:
    await call("getMe")
    async with TelegramSimulator(settings) as again:
        assert len(again.book) == 1

    assert len(ReceiptBook.read(book_path)) == 1
