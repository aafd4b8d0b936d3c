"""The bodies of the simulator's own routes."""

import msgspec

from .faults import FaultRule
from .internet import UrlContent
from .media_files import MediaKind
from .world import GroupKind, User


class _Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class TokenRequest(_Request, frozen=True):
    token: str


class RangeRequest(_Request, frozen=True):
    first_id: int
    count: int

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError("count must be above zero")

    @property
    def ids(self) -> range:
        return range(self.first_id, self.first_id + self.count)


class UsersRequest(_Request, frozen=True):
    """People described one by one, or ``count`` made-up ones from ``first_id`` on."""

    users: tuple[User, ...] = ()
    first_id: int = 0
    count: int = 0


class JoinRequest(RangeRequest, frozen=True):
    rate: float = 0.0
    """Per second; 0 is as fast as it goes."""
    payload: str = ""


class StartRequest(_Request, frozen=True):
    user_id: int
    payload: str = ""


class TextRequest(_Request, frozen=True):
    user_id: int
    text: str


class ReplyRequest(TextRequest, frozen=True):
    message_id: int


class PressRequest(_Request, frozen=True):
    user_id: int
    message_id: int | None = None
    data: str | None = None
    chat_id: int | None = None


class IdsRequest(_Request, frozen=True):
    user_ids: tuple[int, ...]


class GroupRequest(_Request, frozen=True):
    title: str
    kind: GroupKind = GroupKind.GROUP


class KickRequest(_Request, frozen=True):
    by: int
    """The id of the user who does it."""


class ThrottleRequest(_Request, frozen=True):
    retry_after: int
    chat_id: int | None = None
    """None holds the whole token."""

    def __post_init__(self) -> None:
        if self.retry_after < 1:
            raise ValueError("retry_after must be above zero")


class FaultsRequest(_Request, frozen=True):
    rules: tuple[FaultRule, ...]


class UrlRequest(UrlContent, frozen=True, kw_only=True):
    """What Telegram finds at ``url`` from now on."""

    url: str


class FileRequest(_Request, frozen=True):
    """A file that the bot sent or got some day."""

    kind: MediaKind
    size: int = 100_000
    mime_type: str = ""
    file_name: str = ""
    width: int = 1280
    height: int = 720
    duration: int = 10

    def __post_init__(self) -> None:
        if min(self.size, self.width, self.height) < 1 or self.duration < 0:
            raise ValueError("size, width and height begin at 1, duration at 0")


class StarsRequest(_Request, frozen=True):
    stars: int
    may_pay: bool = True
    """Whether paid broadcasts are switched on."""

    def __post_init__(self) -> None:
        if self.stars < 0:
            raise ValueError("stars can't be below zero")
