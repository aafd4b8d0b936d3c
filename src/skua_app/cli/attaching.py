"""Media as they are named on the command line: an address, a file_id, or a file to be uploaded."""

import os
import stat
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from msgspec.structs import replace

from skua_app.cli.files import with_progress
from skua_app.cli.surroundings import Session
from skua_core.domain.content import MessageSource
from skua_core.domain.media import (
    FIRST_BYTES,
    MediaKind,
    Medium,
    problem_with_content,
    problem_with_size,
)
from skua_core.errors import MediumUnfit
from skua_core.ids import MediaId
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.media import FindUpload, FindUploadQuery, UploadMedia, UploadMediaCommand

_FILE_ID = "file_id:"

T = TypeVar("T")


@dataclass(frozen=True)
class LocalFile:
    kind: MediaKind
    path: Path
    size: int
    """In bytes."""


class Attachments:
    """The local files of one message; each stands in it under an id of its own until uploaded."""

    def __init__(self) -> None:
        self._files: dict[MediaId, LocalFile] = {}

    def read(self, kind: MediaKind, reference: str) -> Medium:
        """Raises MediumUnfit and OSError for a file that can't be sent."""
        if reference.startswith(_FILE_ID):
            return Medium(kind, file_id=reference.removeprefix(_FILE_ID).strip())
        if reference.lower().startswith(("https://", "http://")):
            return Medium(kind, url=reference)
        return Medium(kind, upload=self._add(_look_at(kind, Path(reference))))

    def _add(self, file: LocalFile) -> MediaId:
        for media_id, known in self._files.items():
            if known == file:
                return media_id
        media_id = MediaId(UUID(int=len(self._files)))
        self._files[media_id] = file
        return media_id

    def file(self, medium: Medium) -> LocalFile | None:
        return None if medium.upload is None else self._files[medium.upload]

    def upload(
        self,
        session: Session,
        access: BotAccess,
        source: MessageSource,
        *,
        former: MessageSource | None,
    ) -> MessageSource:
        """The message with what it carries in Skua's hands.

        What the former wording of the same campaign had already isn't uploaded again.
        """
        known = list(_uploads_in(former)) if former is not None else []
        ids = {
            media_id: self._find(session, access, file, known)
            or self._upload(session, access, file)
            for media_id, file in self._files.items()
        }
        return _with_uploads(source, ids)

    def _find(
        self, session: Session, access: BotAccess, file: LocalFile, known: list[MediaId]
    ) -> MediaId | None:
        def query(chunks: AsyncIterator[bytes]) -> FindUploadQuery:
            return FindUploadQuery(
                access=access, kind=file.kind, name=file.path.name, chunks=chunks, among=known
            )

        if not known:
            return None
        find = session.get(FindUpload)
        return _reading(file, "Comparing", lambda chunks: session.run(find(query(chunks))))

    def _upload(self, session: Session, access: BotAccess, file: LocalFile) -> MediaId:
        def command(chunks: AsyncIterator[bytes]) -> UploadMediaCommand:
            return UploadMediaCommand(
                access=access, kind=file.kind, name=file.path.name, chunks=chunks
            )

        upload = session.get(UploadMedia)
        return _reading(file, "Uploading", lambda chunks: session.run(upload(command(chunks)))).id


def _look_at(kind: MediaKind, path: Path) -> LocalFile:
    what = f"The {kind} {str(path)!r}"
    facts = path.stat()
    if not stat.S_ISREG(facts.st_mode):
        raise MediumUnfit(what, "it is no ordinary file")
    with path.open("rb") as file:
        first = file.read(FIRST_BYTES)
        size = os.fstat(file.fileno()).st_size
    problem = problem_with_size(kind, size) or problem_with_content(kind, first)
    if problem is not None:
        raise MediumUnfit(what, problem)
    return LocalFile(kind, path, size)


def _reading(file: LocalFile, doing: str, use: Callable[[AsyncIterator[bytes]], T]) -> T:
    with file.path.open("rb") as source, with_progress(source, doing) as chunks:
        return use(chunks)


def _uploads_in(source: MessageSource) -> Iterable[MediaId]:
    for wording in (source, *source.variants.values()):
        for medium in wording.media:
            if medium.upload is not None:
                yield medium.upload


def _with_uploads(source: MessageSource, ids: Mapping[MediaId, MediaId]) -> MessageSource:
    media = tuple(
        medium if medium.upload is None else replace(medium, upload=ids[medium.upload])
        for medium in source.media
    )
    variants = {tag: _with_uploads(each, ids) for tag, each in source.variants.items()}
    return replace(source, media=media, variants=variants)
