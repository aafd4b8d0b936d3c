"""What every MediaStore has to keep."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from hashlib import sha256
from itertools import chain, repeat
from uuid import uuid4

import pytest

from skua_core.errors import MediumMissing
from skua_core.ids import BotId, MediaId
from tests.contract.rigs.media_store import MediaStoreRig

BOT, OTHER_BOT = BotId(uuid4()), BotId(uuid4())
MB = 1024 * 1024
MINUTE = timedelta(minutes=1)


def an_id() -> MediaId:
    return MediaId(uuid4())


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    for piece in data:
        yield piece


async def keep(rig: MediaStoreRig, *data: bytes) -> MediaId:
    media_id = an_id()
    await rig.store.put(BOT, media_id, pieces(*data))
    return media_id


async def kept(rig: MediaStoreRig, media_id: MediaId, bot: BotId = BOT) -> bytes:
    return b"".join([piece async for piece in rig.store.read(bot, media_id)])


@pytest.mark.parametrize(
    "data",
    [
        [b"a"],
        [b"a", b"", b"bc"],
        [b"x" * MB],
        [b"x" * (MB + 1)],
        [b"1" * 300_000, b"2" * 300_000, b"3" * 300_000, b"4" * 1_500_000, b"5"],
        list(repeat(b"ab", 1000)),
    ],
    ids=["a byte", "with a gap", "a round size", "one byte more", "uneven", "in crumbs"],
)
async def test_a_file_is_read_as_it_was_put(media: MediaStoreRig, data: Sequence[bytes]) -> None:
    media_id = an_id()

    size = await media.store.put(BOT, media_id, pieces(*data))

    assert size == len(b"".join(data))
    assert await kept(media, media_id) == b"".join(data)
    assert await kept(media, media_id) == b"".join(data)


async def test_a_large_file_comes_and_goes_in_pieces(media: MediaStoreRig) -> None:
    media_id = an_id()
    put = [bytes([number]) * MB for number in range(12)]

    await media.store.put(BOT, media_id, pieces(*put))

    digest = sha256()
    async for piece in media.store.read(BOT, media_id):
        assert 0 < len(piece) <= MB
        digest.update(piece)
    assert digest.digest() == sha256(b"".join(put)).digest()


async def test_an_empty_file_is_a_file(media: MediaStoreRig) -> None:
    assert await kept(media, await keep(media)) == b""


async def test_files_do_not_mix(media: MediaStoreRig) -> None:
    one, other = await keep(media, b"one"), await keep(media, b"other")

    assert [await kept(media, one), await kept(media, other)] == [b"one", b"other"]


async def test_a_file_that_nobody_put_is_missing(media: MediaStoreRig) -> None:
    media_id = an_id()

    with pytest.raises(MediumMissing) as caught:
        await kept(media, media_id)
    assert caught.value.media_id == media_id


async def test_a_removed_file_is_missing_and_removing_again_is_harmless(
    media: MediaStoreRig,
) -> None:
    media_id, other = await keep(media, b"one"), await keep(media, b"other")

    await media.store.remove(BOT, media_id)
    await media.store.remove(BOT, media_id)

    with pytest.raises(MediumMissing):
        await kept(media, media_id)
    assert await kept(media, other) == b"other"


async def test_a_file_is_its_bot_s_alone(media: MediaStoreRig) -> None:
    media_id = await keep(media, b"mine")

    with pytest.raises(MediumMissing):
        await kept(media, media_id, OTHER_BOT)
    await media.store.remove(OTHER_BOT, media_id)
    await media.let_pass(MINUTE)

    assert await media.store.stored_before(OTHER_BOT, media.now()) == []
    assert await kept(media, media_id) == b"mine"


async def test_when_its_source_fails_nothing_is_kept(media: MediaStoreRig) -> None:
    media_id = an_id()

    async def breaking_off() -> AsyncIterator[bytes]:
        yield b"x" * 2 * MB
        raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError, match="gone"):
        await media.store.put(BOT, media_id, breaking_off())
    await media.let_pass(MINUTE)

    assert media_id not in await media.store.stored_before(BOT, media.now())
    with pytest.raises(MediumMissing):
        await kept(media, media_id)


async def test_when_putting_is_cancelled_nothing_is_kept(media: MediaStoreRig) -> None:
    media_id, waiting = an_id(), asyncio.Event()

    async def never_ending() -> AsyncIterator[bytes]:
        yield b"x" * 2 * MB
        waiting.set()
        await asyncio.Event().wait()

    putting = asyncio.create_task(media.store.put(BOT, media_id, never_ending()))
    await waiting.wait()
    with pytest.raises(MediumMissing):
        await kept(media, media_id)
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    await media.let_pass(MINUTE)

    assert media_id not in await media.store.stored_before(BOT, media.now())


async def test_a_file_cannot_be_read_before_it_is_whole(media: MediaStoreRig) -> None:
    media_id = an_id()
    tries: list[type[Exception]] = []

    async def looking_on() -> AsyncIterator[bytes]:
        for piece in chain(repeat(b"x" * MB, 3)):
            yield piece
            try:
                await kept(media, media_id)
            except MediumMissing as error:
                tries.append(type(error))

    await media.store.put(BOT, media_id, looking_on())

    assert tries == [MediumMissing] * 3
    assert len(await kept(media, media_id)) == 3 * MB


async def test_what_was_stored_before_a_moment_can_be_told(media: MediaStoreRig) -> None:
    old = await keep(media, b"x" * 2 * MB)
    await media.let_pass(MINUTE)
    moment = media.now() - MINUTE / 2
    new = await keep(media, b"new")

    before = await media.store.stored_before(BOT, moment)

    assert old in before
    assert new not in before
    assert before.count(old) == 1
