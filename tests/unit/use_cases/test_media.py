"""Taking in files that messages will carry."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_adapters.media_store.in_memory import InMemoryMediaStore
from skua_core.domain.media import MediaKind, MediaUpload
from skua_core.errors import BotForbidden, MediumMissing, MediumUnfit
from skua_core.ids import MediaId
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.bots import RemoveBot, RemoveBotCommand
from skua_core.use_cases.media import (
    NAME_LIMIT,
    FindUpload,
    FindUploadQuery,
    RemoveOrphanedMedia,
    UploadMedia,
    UploadMediaCommand,
    plain_file_name,
)
from tests.unit.use_cases.world import World, details_of

JPEG = b"\xff\xd8\xff\xe0" + b"j" * 60
PNG = b"\x89PNG\r\n\x1a\n" + b"p" * 60
WEBP = b"RIFF\x40\x00\x00\x00WEBPVP8 " + b"\x10\x00" * 24
GIF = b"GIF89a" + b"g" * 60
MB = 1024 * 1024


@pytest.fixture
async def access(world: World) -> BotAccess:
    return await world.add_bot(None)


@pytest.fixture
def store(world: World) -> InMemoryMediaStore:
    return InMemoryMediaStore(world.memory)


async def pieces(data: bytes, size: int = 64 * 1024) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def upload(
    world: World,
    access: BotAccess,
    data: bytes = JPEG,
    kind: MediaKind = MediaKind.PHOTO,
    *,
    name: str = "spring.jpg",
    piece: int = 64 * 1024,
) -> MediaUpload:
    use_case = UploadMedia(
        storage=world.storage,
        media=InMemoryMediaStore(world.memory),
        clock=world.clock,
        ids=world.ids,
    )
    chunks = pieces(data, piece)
    return await use_case(UploadMediaCommand(access=access, kind=kind, name=name, chunks=chunks))


async def kept(store: InMemoryMediaStore, access: BotAccess, media_id: MediaId) -> bytes:
    return b"".join([piece async for piece in store.read(access.bot_id, media_id)])


async def nothing_kept(world: World, store: InMemoryMediaStore, access: BotAccess) -> bool:
    world.clock.advance(1)
    stored = await store.stored_before(access.bot_id, world.clock.now())
    return not stored and "media.uploaded" not in await world.actions(access)


@pytest.mark.parametrize("data", [JPEG, PNG, WEBP])
@pytest.mark.parametrize("piece", [1, 7, 12, 64])
async def test_a_photo_is_kept_as_it_came(
    world: World, store: InMemoryMediaStore, access: BotAccess, data: bytes, piece: int
) -> None:
    uploaded = await upload(world, access, data, piece=piece)

    assert (uploaded.kind, uploaded.name, uploaded.size) == (
        MediaKind.PHOTO,
        "spring.jpg",
        len(data),
    )
    assert uploaded.created_at == world.clock.now()
    assert await kept(store, access, uploaded.id) == data
    async with world.storage.unit(access.bot_id) as unit:
        assert await unit.media.get(uploaded.id) == uploaded


async def test_an_upload_is_audited(world: World, access: BotAccess) -> None:
    uploaded = await upload(world, access)

    entry = (await world.audit(access))[-1]
    assert (entry.action, entry.resource) == ("media.uploaded", f"media:{uploaded.id}")
    assert details_of(entry) == {"kind": "photo", "name": "spring.jpg", "size": len(JPEG)}


@pytest.mark.parametrize("kind", MediaKind)
async def test_an_empty_file_is_unfit(
    world: World, store: InMemoryMediaStore, access: BotAccess, kind: MediaKind
) -> None:
    with pytest.raises(MediumUnfit, match="the file is empty"):
        await upload(world, access, b"", kind)
    assert await nothing_kept(world, store, access)


@pytest.mark.parametrize(
    ("kind", "limit"),
    [(kind, kind.size_limit) for kind in (MediaKind.PHOTO, MediaKind.VIDEO, MediaKind.VOICE)],
)
async def test_a_file_over_its_limit_is_unfit_as_soon_as_that_shows(
    world: World, store: InMemoryMediaStore, access: BotAccess, kind: MediaKind, limit: int
) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        yield JPEG
        while True:
            taken += MB
            yield b"x" * MB

    use_case = UploadMedia(storage=world.storage, media=store, clock=world.clock, ids=world.ids)
    with pytest.raises(MediumUnfit, match=f"at most {limit // MB} MB as a {kind}"):
        await use_case(UploadMediaCommand(access=access, kind=kind, name="long", chunks=endless()))
    assert taken <= limit + MB
    assert await nothing_kept(world, store, access)


async def test_a_file_of_exactly_the_limit_is_taken(world: World, access: BotAccess) -> None:
    data = JPEG + b"x" * (MediaKind.PHOTO.size_limit - len(JPEG))

    assert (await upload(world, access, data)).size == MediaKind.PHOTO.size_limit


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (GIF, "it is a GIF, which goes as an animation or a document"),
        (b"%PDF-1.7" + b"x" * 60, "a photo is a JPEG, PNG or WebP"),
        (b"RIFF\x40\x00\x00\x00WAVEfmt " + b"x" * 60, "a photo is a JPEG, PNG or WebP"),
        (b"\xff\xd8", "a photo is a JPEG, PNG or WebP"),
        (b"<svg>", "a photo is a JPEG, PNG or WebP"),
    ],
)
async def test_what_is_no_photo_is_unfit_as_one_whatever_it_is_called(
    world: World,
    store: InMemoryMediaStore,
    access: BotAccess,
    data: bytes,
    problem: str,
) -> None:
    with pytest.raises(MediumUnfit, match=problem) as caught:
        await upload(world, access, data, piece=5)
    assert caught.value.what == "The photo 'spring.jpg'"
    assert await nothing_kept(world, store, access)


async def test_other_kinds_may_hold_anything(world: World, access: BotAccess) -> None:
    for kind in set(MediaKind) - {MediaKind.PHOTO}:
        assert (await upload(world, access, GIF, kind)).kind is kind


async def test_an_upload_that_breaks_off_leaves_nothing(
    world: World, store: InMemoryMediaStore, access: BotAccess
) -> None:
    async def breaking_off() -> AsyncIterator[bytes]:
        yield JPEG
        raise ConnectionResetError("gone")

    use_case = UploadMedia(storage=world.storage, media=store, clock=world.clock, ids=world.ids)
    with pytest.raises(ConnectionResetError):
        await use_case(
            UploadMediaCommand(access=access, kind=MediaKind.PHOTO, name="a", chunks=breaking_off())
        )
    assert await nothing_kept(world, store, access)


async def test_a_bot_that_is_gone_takes_no_upload(world: World, access: BotAccess) -> None:
    remove = RemoveBot(storage=world.storage, route=world.route, vault=world.vault)
    await remove(RemoveBotCommand(access=access))

    with pytest.raises(BotForbidden):
        await upload(world, access)


async def test_files_without_a_row_are_removed_after_a_day(
    world: World, store: InMemoryMediaStore, access: BotAccess
) -> None:
    orphan = MediaId(world.ids.new())
    uploaded = await upload(world, access)
    await store.put(access.bot_id, orphan, pieces(JPEG))
    remove = RemoveOrphanedMedia(storage=world.storage, media=store, clock=world.clock)

    world.clock.advance(timedelta(hours=23).total_seconds())
    assert await remove(access.bot_id) == 0
    world.clock.advance(timedelta(hours=2).total_seconds())
    under_way = MediaId(world.ids.new())
    await store.put(access.bot_id, under_way, pieces(JPEG))

    assert await remove(access.bot_id) == 1
    assert await remove(access.bot_id) == 0
    assert await kept(store, access, uploaded.id) == JPEG
    assert await kept(store, access, under_way) == JPEG
    with pytest.raises(MediumMissing):
        await kept(store, access, orphan)


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("spring.jpg", "spring.jpg"),
        ("C:\\Users\\Ana\\My photos\\spring.jpg", "spring.jpg"),
        ("../../etc/passwd", "passwd"),
        ("/photos/", "photo"),
        ("", "photo"),
        ("..", "photo"),
        (".", "photo"),
        ("a\r\nSet-Cookie: b.jpg", "a Set-Cookie b.jpg"),
        ('sp"ring.jpg', "sp ring.jpg"),
        ("Весна \N{OWL}.jpg", "Весна \N{OWL}.jpg"),
        ("half a pair \ud83d.jpg", "half a pair.jpg"),
        ("x" * 300 + ".jpeg", "x" * 95 + ".jpeg"),
        ("x." + "y" * 300, "x." + "y" * 98),
        (".htaccess", "htaccess"),
    ],
)
def test_a_name_is_made_a_plain_file_name(given_name: str, name: str) -> None:
    assert plain_file_name(given_name, MediaKind.PHOTO) == name


@given(st.text(st.characters(exclude_categories=()), max_size=300))
def test_any_name_becomes_one_that_fits_a_header_and_a_disk(given_name: str) -> None:
    name = plain_file_name(given_name, MediaKind.DOCUMENT)

    assert 1 <= len(name) <= NAME_LIMIT
    assert not set(name) & set('/\\"\r\n\0')
    assert name.encode()
    assert name.strip(". ") == name
    assert plain_file_name(name, MediaKind.DOCUMENT) == name


async def test_two_uploads_at_once_do_not_mix(
    world: World, store: InMemoryMediaStore, access: BotAccess
) -> None:
    one, other = await asyncio.gather(
        upload(world, access, JPEG, piece=3), upload(world, access, PNG, piece=5)
    )

    assert [await kept(store, access, each.id) for each in (one, other)] == [JPEG, PNG]


async def find(
    world: World,
    access: BotAccess,
    data: bytes,
    among: list[MediaId],
    *,
    kind: MediaKind = MediaKind.PHOTO,
    name: str = "spring.jpg",
) -> MediaId | None:
    use_case = FindUpload(storage=world.storage, media=InMemoryMediaStore(world.memory))
    query = FindUploadQuery(access=access, kind=kind, name=name, chunks=pieces(data), among=among)
    return await use_case(query)


async def test_the_same_file_is_found_among_a_few_uploads(world: World, access: BotAccess) -> None:
    other = (await upload(world, access, PNG)).id
    same = (await upload(world, access, JPEG)).id

    assert await find(world, access, JPEG, [other, same], name="/home/ana/spring.jpg") == same


@pytest.mark.parametrize(
    "wanted",
    [
        {"data": JPEG + b"more"},
        {"data": JPEG, "name": "summer.jpg"},
        {"data": JPEG, "kind": MediaKind.DOCUMENT},
    ],
    ids=["other content", "other name", "other kind"],
)
async def test_a_file_that_differs_is_another_one(
    world: World, access: BotAccess, wanted: dict[str, Any]
) -> None:
    known = (await upload(world, access)).id

    assert await find(world, access, among=[known], **wanted) is None


async def test_what_is_no_longer_stored_is_not_found(
    world: World, store: InMemoryMediaStore, access: BotAccess
) -> None:
    gone = (await upload(world, access)).id
    await store.remove(access.bot_id, gone)

    assert await find(world, access, JPEG, [gone, MediaId(uuid4())]) is None
