"""Take in files that messages will carry, and clear up after uploads that ended half-way."""

import re
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from hashlib import sha256
from pathlib import PurePosixPath

import msgspec

from skua_core.domain.audit import NewAuditEntry
from skua_core.domain.media import (
    FIRST_BYTES,
    MediaKind,
    MediaUpload,
    problem_with_content,
    problem_with_size,
)
from skua_core.errors import MediumMissing, MediumUnfit
from skua_core.ids import BotId, MediaId
from skua_core.ports.clock import Clock
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.media_store import MediaStore
from skua_core.ports.tenant_storage import TenantStorage
from skua_core.use_cases.access import BotAccess

NAME_LIMIT = 100
"""Characters of a file's name."""

_ORPHAN_AGE = timedelta(days=1)
"""No upload takes that long: what isn't known by then belongs to nobody."""

_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"<>:|?*]')


class UploadMediaCommand(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    kind: MediaKind
    name: str
    """As whoever hands it in calls the file; a path before it is dropped."""
    chunks: AsyncIterator[bytes]


class UploadMedia:
    """Keep a file to be sent by this bot, if Telegram would take it as what it is said to be.

    The bytes are kept first, then what is known about them. What an end in between leaves behind,
    ``RemoveOrphanedMedia`` removes.
    """

    def __init__(
        self, *, storage: TenantStorage, media: MediaStore, clock: Clock, ids: IdFactory
    ) -> None:
        self._storage = storage
        self._media = media
        self._clock = clock
        self._ids = ids

    async def __call__(self, command: UploadMediaCommand) -> MediaUpload:
        """Raises MediumUnfit, and what ``chunks`` raises; nothing is kept then."""
        access = command.access
        name = plain_file_name(command.name, command.kind)
        media_id = MediaId(self._ids.new())
        size = await self._media.put(
            access.bot_id, media_id, _checked(command.kind, name, command.chunks)
        )
        upload = MediaUpload(
            id=media_id, kind=command.kind, name=name, size=size, created_at=self._clock.now()
        )
        async with self._storage.unit(access.bot_id) as unit:
            await unit.bot.get()
            await unit.media.add(upload)
            await unit.audit.append(_entry(access, upload))
            await unit.commit()
        return upload


class FindUploadQuery(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    kind: MediaKind
    name: str
    chunks: AsyncIterator[bytes]
    among: Sequence[MediaId]


class FindUpload:
    """One of a few uploads that is this very file: so that a message which is written once more
    stays the message that it was, and isn't sent twice by mistake."""

    def __init__(self, *, storage: TenantStorage, media: MediaStore) -> None:
        self._storage = storage
        self._media = media

    async def __call__(self, query: FindUploadQuery) -> MediaId | None:
        """Raises what ``chunks`` raises."""
        name = plain_file_name(query.name, query.kind)
        async with self._storage.unit(query.access.bot_id) as unit:
            found = [await unit.media.get(each) for each in query.among]
        alike = [each for each in found if each and (each.kind, each.name) == (query.kind, name)]
        if not alike:
            return None
        digest = await _digest(query.chunks)
        for each in alike:
            if await self._digest_of(query.access.bot_id, each.id) == digest:
                return each.id
        return None

    async def _digest_of(self, bot_id: BotId, media_id: MediaId) -> bytes | None:
        try:
            return await _digest(self._media.read(bot_id, media_id))
        except MediumMissing:
            return None


async def _digest(chunks: AsyncIterator[bytes]) -> bytes:
    digest = sha256()
    async for chunk in chunks:
        digest.update(chunk)
    return digest.digest()


class RemoveOrphanedMedia:
    """Remove files of one bot that nothing refers to, because their upload ended half-way."""

    def __init__(self, *, storage: TenantStorage, media: MediaStore, clock: Clock) -> None:
        self._storage = storage
        self._media = media
        self._clock = clock

    async def __call__(self, bot_id: BotId) -> int:
        """How many that were."""
        old = await self._media.stored_before(bot_id, self._clock.now() - _ORPHAN_AGE)
        if not old:
            return 0
        async with self._storage.unit(bot_id) as unit:
            orphans = [each for each in old if await unit.media.get(each) is None]
        for media_id in orphans:
            await self._media.remove(bot_id, media_id)
        return len(orphans)


def plain_file_name(name: str, kind: MediaKind) -> str:
    """A name that is safe in a header and on any disk, with its ending; ``kind`` if none is left.

    What comes from a browser may be a whole path, of any system.
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    clean = " ".join(_NOT_IN_NAMES.sub(" ", last).split()).strip(". ")
    path = PurePosixPath(clean or kind.value)
    suffix = path.suffix if len(path.suffix) < NAME_LIMIT else ""
    stem = path.name.removesuffix(suffix)[: NAME_LIMIT - len(suffix)]
    return stem.rstrip(". ") + suffix


async def _checked(
    kind: MediaKind, name: str, chunks: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    """The same bytes. Raises MediumUnfit as soon as it is known that Telegram won't take them."""
    size, first = 0, b""
    async for chunk in chunks:
        size += len(chunk)
        _refuse(kind, name, problem_with_size(kind, max(size, 1)))
        if len(first) >= FIRST_BYTES:
            yield chunk
            continue
        first += chunk
        if len(first) >= FIRST_BYTES:
            _refuse(kind, name, problem_with_content(kind, first))
            yield first
    _refuse(kind, name, problem_with_size(kind, size))
    if len(first) < FIRST_BYTES:
        _refuse(kind, name, problem_with_content(kind, first))
        yield first


def _refuse(kind: MediaKind, name: str, problem: str | None) -> None:
    if problem is not None:
        raise MediumUnfit(f"The {kind} {name!r}", problem)


def _entry(access: BotAccess, upload: MediaUpload) -> NewAuditEntry:
    return NewAuditEntry(
        actor=access.actor,
        action="media.uploaded",
        resource=f"media:{upload.id}",
        details={"kind": upload.kind.value, "name": upload.name, "size": upload.size},
    )
