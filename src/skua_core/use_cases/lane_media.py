"""By what Telegram has a bot's media, and which delivery carries what it doesn't have yet."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec

from skua_core.domain.delivery import DeliveryKey
from skua_core.domain.media import Medium
from skua_core.ids import MediaId
from skua_core.ports.messenger import FileSource
from skua_core.use_cases.lane_lessons import LaneLessons


class Carriage(msgspec.Struct, frozen=True):
    """What a delivery brings to Telegram, so that the others can refer to it."""

    keys: tuple[str | None, ...]
    """``Medium.key`` of each medium of its message, in their order."""
    files: Mapping[MediaId, FileSource]
    problem: str | None = None
    """Why a file of it can't be sent."""


class LaneMedia:
    """A lane is its bot's only sender: what it knows here is all that there is to know."""

    def __init__(self, lessons: LaneLessons, *, done: Callable[[], None]) -> None:
        self._lessons = lessons
        self._done = done
        self._file_ids: dict[str, str] = {}
        self._nameless: set[str] = set()
        """Telegram took them and didn't say by what it has them."""
        self._forgotten: set[str] = set()
        self.carriers: dict[DeliveryKey, frozenset[str]] = {}
        """What deliveries on their way carry that others wait for."""
        self.version = 0
        """Rises with each ``file_id`` that is learned or forgotten."""

    def carries_any(self, keys: Collection[str]) -> bool:
        return any(not carried.isdisjoint(keys) for carried in self.carriers.values())

    def know(self, file_ids: Mapping[str, str]) -> None:
        """These were remembered from before."""
        self._file_ids.update(file_ids)
        self.version += 1

    def unknown(self, media: Iterable[Medium]) -> list[Medium]:
        """Those that still have to be carried."""
        return [each for each in media if each.key is not None and each.key not in self._file_ids]

    def referred(self, media: Sequence[Medium]) -> tuple[Medium, ...]:
        """The same media, by ``file_id`` where that is known."""
        return tuple(self._referred(medium) for medium in media)

    def may_carry(self, keys: Collection[str]) -> bool:
        """Whether a delivery may take these now, or has to wait for another that does."""
        return not self.carries_any(self._worth_waiting_for(keys))

    def begin(self, delivery: DeliveryKey, keys: Collection[str]) -> None:
        if awaited := self._worth_waiting_for(keys):
            self.carriers[delivery] = awaited

    def end(self, delivery: DeliveryKey) -> None:
        """Whatever became of it; harmless for one that carried nothing."""
        if self.carriers.pop(delivery, None) is not None:
            self._done()

    def learn(self, carriage: Carriage, file_ids: Sequence[str | None]) -> None:
        """It has arrived, and Telegram said by what it has each medium."""
        told = dict(zip(carriage.keys, file_ids, strict=False))
        learned = {key: file_id for key, file_id in told.items() if key and file_id}
        self._nameless.update(key for key in carriage.keys if key and key not in learned)
        self._lessons.file_ids.update(learned)
        self.know(learned)

    def outdated(self, media: Sequence[Medium], sent: Sequence[Medium]) -> bool:
        """Telegram refused a medium. Whether that may be because it has forgotten a file.

        Then each file that was ``sent`` by a remembered name is carried once more. When that
        doesn't help, the refusal means what it says.
        """
        found = False
        for medium, left in zip(media, sent, strict=False):
            if medium.key is None or left.file_id is None:
                continue
            if self._file_ids.get(medium.key) != left.file_id:
                found = True  # another delivery found out, and it is carried again already
            elif medium.key not in self._forgotten:
                found = True
                self._forget(medium.key)
        return found

    def _forget(self, key: str) -> None:
        del self._file_ids[key]
        self._forgotten.add(key)
        self._lessons.forget(key)
        self.version += 1

    def _worth_waiting_for(self, keys: Collection[str]) -> frozenset[str]:
        return frozenset(keys) - self._nameless

    def _referred(self, medium: Medium) -> Medium:
        file_id = None if medium.key is None else self._file_ids.get(medium.key)
        if file_id is None:
            return medium
        return msgspec.structs.replace(medium, file_id=file_id, url=None, upload=None)
