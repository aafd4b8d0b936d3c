"""A medium is uploaded once per bot, whoever dies on the way."""

import hashlib

import asyncpg
import pytest

from skua_adapters.telegram_simulator import FaultAction, FaultRule, LatencySettings, ReceiptBook
from skua_core.domain.broadcast import Broadcast
from skua_core.domain.content import MessageSource
from skua_core.domain.media import MediaKind, Medium
from tests.contract.telegram_simulator.pictures import MP4, png
from tests.e2e.delivery.conftest import Scene, SetUp
from tests.e2e.delivery.installation import ConnectedBot

pytestmark = [pytest.mark.external, pytest.mark.timeout(180)]

PHOTO = png()
FILM = MP4 + bytes(range(256)) * 4000
RATE = 100.0
BRISK = LatencySettings(mean=0.05, deviation=0.01)
SLOW = LatencySettings(mean=3.0)


def uploads(book: ReceiptBook, data: bytes) -> dict[int, int]:
    """How often the bytes came from each bot."""
    digest = hashlib.sha256(data).hexdigest()
    return {bot: len(receipts) for (bot, key), receipts in book.uploads().items() if key == digest}


async def test_a_photo_is_uploaded_once_per_bot_and_reaches_everybody(set_up: SetUp) -> None:
    scene = await set_up(rate=RATE, bots=2, latency=BRISK)
    sent = [await _begin(scene, number, people=150) for number in range(2)]
    worker = await scene.installation.start(scene.installation.worker())
    for _, broadcast, _ in sent:
        over = await _until_over(scene, broadcast)
        assert (over["status"], over["sent"]) == ("completed", 150)
    await worker.stop()
    await scene.installation.start(scene.installation.worker("next"))
    for bot, _, photo in sent:
        source = MessageSource("again: hello", media=(photo,))
        again = await scene.installation.send(bot, "again", source)
        assert (await _until_over(scene, again))["sent"] == 150

    assert uploads(scene.telegram.book(), PHOTO) == {bot.telegram_id: 1 for bot, *_ in sent}
    await scene.assert_promises_kept()


async def test_an_album_of_uploads_reaches_everybody(set_up: SetUp) -> None:
    scene = await set_up(rate=RATE, latency=BRISK)
    bot, audience = await scene.connect(60)
    media = (
        await scene.installation.upload(bot, MediaKind.PHOTO, PHOTO),
        await scene.installation.upload(bot, MediaKind.VIDEO, FILM),
    )
    source = MessageSource("spring: look, {{ first_name }}", media=media)
    broadcast = await scene.installation.send(bot, "spring", source)
    await scene.installation.start(scene.installation.worker())
    over = await _until_over(scene, broadcast)

    assert (over["status"], over["sent"]) == ("completed", 60)
    assert uploads(scene.telegram.book(), PHOTO) == {bot.telegram_id: 1}
    assert uploads(scene.telegram.book(), FILM) == {bot.telegram_id: 1}
    arrived = scene.telegram.book().accepted()
    assert sorted(int(receipt.chat_id or 0) for receipt in arrived) == list(audience)
    assert {len(receipt.message_ids) for receipt in arrived} == {2}


async def test_a_worker_that_dies_while_the_carrier_is_under_way_loses_one_at_most(
    set_up: SetUp,
) -> None:
    scene = await set_up(rate=RATE, latency=SLOW)
    bot, broadcast, _ = await _begin(scene, 0, people=150)
    worker = await scene.installation.keep(scene.installation.worker())
    await scene.installation.until(lambda: _was_uploaded(scene), "the upload")
    row = await scene.installation.broadcast_row(broadcast)
    worker.kill("while it carries")
    await scene.telegram.set_latency(BRISK)
    over = await _until_over(scene, broadcast)

    assert (row["in_flight"], row["pending"]) == (1, 149)
    assert (over["status"], over["sent"], over["uncertain"]) == ("completed", 149, 1)
    assert uploads(scene.telegram.book(), PHOTO) == {bot.telegram_id: 2}
    await scene.assert_promises_kept()


async def test_a_medium_that_telegram_refuses_pauses_and_says_why(set_up: SetUp) -> None:
    scene = await set_up(rate=RATE, latency=BRISK)
    _, broadcast, _ = await _begin(scene, 0, people=100)
    refusal = "Bad Request: IMAGE_PROCESS_FAILED"
    await scene.telegram.set_faults(
        FaultRule(action=FaultAction.REFUSE, method="sendPhoto", description=refusal)
    )
    await scene.installation.start(scene.installation.worker())
    row = await scene.installation.until_broadcast(broadcast, lambda row: row["status"] == "paused")

    assert (row["pause_reason"], row["pause_detail"]) == ("content_refused", refusal)
    assert len(scene.telegram.book().calls("sendPhoto")) == 5
    settled = await scene.installation.until_broadcast(broadcast, lambda row: not row["in_flight"])
    assert (settled["pending"], settled["failed"]) == (100, 0)
    await scene.assert_promises_kept()


async def test_an_upload_that_vanished_pauses_and_says_what_to_do(set_up: SetUp) -> None:
    scene = await set_up(rate=RATE, latency=BRISK)
    bot, broadcast, _ = await _begin(scene, 0, people=50)
    connection = await asyncpg.connect(scene.installation.dsn)
    await connection.execute("DELETE FROM tenant.media_chunks WHERE bot_id = $1", bot.id)
    await connection.close()
    await scene.installation.start(scene.installation.worker())
    row = await scene.installation.until_broadcast(broadcast, lambda row: row["status"] == "paused")

    assert row["pause_reason"] == "content_refused"
    assert row["pause_detail"].endswith("is gone. Upload it again.")
    assert scene.telegram.book().sends() == []


async def _begin(
    scene: Scene, number: int, *, people: int
) -> tuple[ConnectedBot, Broadcast, Medium]:
    bot, _ = await scene.connect(people, number=number)
    photo = await scene.installation.upload(bot, MediaKind.PHOTO, PHOTO)
    source = MessageSource("spring: hello {{ first_name }}", media=(photo,))
    return bot, await scene.installation.send(bot, "spring", source), photo


async def _was_uploaded(scene: Scene) -> bool | None:
    return True if uploads(scene.telegram.book(), PHOTO) else None


async def _until_over(scene: Scene, broadcast: Broadcast) -> asyncpg.Record:
    return await scene.installation.until_broadcast(
        broadcast, lambda row: row["finished_at"] is not None
    )
