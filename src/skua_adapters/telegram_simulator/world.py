"""The simulated Telegram's bots, people and groups: who exists and who may write to whom."""

import random
import re
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from enum import StrEnum

import msgspec

from .errors import ActionImpossible, NotInWorld
from .history import Message, MessageHistory
from .internet import Internet
from .media_files import MediaFiles
from .refusals import not_found, unauthorized
from .settings import NewBot
from .stars import StarBalance
from .update_queue import UpdateQueue

_TOKEN = re.compile(r"([1-9][0-9]{0,15}):([A-Za-z0-9_-]{1,64})\Z")
_HIGHEST_ID = (1 << 52) - 1
_FIRST_SUPERGROUP_ID = -1_000_000_000_000
_STARS_OF_A_PAYER = 1_000_000
_NAMES = (
    ("Ana", "Silva", "pt"),
    ("Björn", "", "sv"),
    ("José María", "Núñez", "es"),
    ("Oksana", "Шевченко", "uk"),
    ("<b>Bobby</b>", "Tables;--", "en"),
    ("*_[Mark](down)_*", "", "en"),
    ("李", "小龍", "zh-hant"),
    ("👩\u200d🚀 Astro", "", "en"),
    ("{{ first_name }}", "%s", "de"),
    ("علي", "", "ar"),
)
"""Of people nobody described: some that would break markup or placeholders if inserted as such."""


class User(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: int
    first_name: str
    last_name: str = ""
    username: str = ""
    language_code: str = ""


class GroupKind(StrEnum):
    GROUP = "group"
    SUPERGROUP = "supergroup"


class Group(msgspec.Struct, kw_only=True):
    id: int
    kind: GroupKind
    title: str
    bot_id: int
    migrated_to: int | None = None
    kicked: bool = False


class Webhook(msgspec.Struct, kw_only=True):
    url: str = ""
    secret_token: str = ""
    ip_address: str = ""
    max_connections: int = 40
    last_error_at: int = 0
    last_error: str = ""


class IdSet:
    """Ids, kept as ranges that neither overlap nor touch: a million in a row are one."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self._starts, number) - 1
        return place >= 0 and number < self._stops[place]

    def __len__(self) -> int:
        return sum(self._stops) - sum(self._starts)

    def add(self, number: int) -> None:
        self.add_range(range(number, number + 1))

    def add_range(self, numbers: range) -> None:
        first = bisect_left(self._stops, numbers.start)
        last = bisect_right(self._starts, numbers.stop)
        start, stop = numbers.start, numbers.stop
        if first < last:
            start = min(start, self._starts[first])
            stop = max(stop, self._stops[last - 1])
        self._starts[first:last] = [start]
        self._stops[first:last] = [stop]


class CallbackAnswer(msgspec.Struct, frozen=True, kw_only=True):
    text: str = ""
    show_alert: bool = False
    url: str = ""


class PressedButton(msgspec.Struct, kw_only=True):
    user_id: int
    data: str
    pressed_at: float
    """Monotonic."""
    answer: CallbackAnswer | None = None


class SimulatedBot:
    """One bot as Telegram knows it."""

    def __init__(self, new: NewBot, *, first_update_id: int, remembered_messages: int) -> None:
        self.id, self.secret = split_token(new.token)
        self.username = new.username or f"skua_{self.id}_bot"
        self.first_name = new.first_name
        stars = _STARS_OF_A_PAYER if new.paid_broadcasts else 0
        self.stars = StarBalance(
            stars if new.stars is None else new.stars, may_pay=new.paid_broadcasts
        )
        self.files = MediaFiles(self.id)
        self.updates = UpdateQueue(first_update_id)
        self.webhook = Webhook()
        self.started = IdSet()
        """Who has pressed Start."""
        self.met: set[int] = set()
        """Whom the bot knows without their having pressed Start, say from a group."""
        self.blocked_by: set[int] = set()
        self.pressed: dict[str, PressedButton] = {}
        self._last_message_id = 0
        self._messages: OrderedDict[tuple[int, int], Message] = OrderedDict()
        self._remembered = remembered_messages

    secret: str | None
    """None once the token was revoked."""

    @property
    def last_message_id(self) -> int:
        return self._last_message_id

    def next_message_id(self) -> int:
        self._last_message_id += 1
        return self._last_message_id

    def remember(self, chat_id: int, message_id: int, message: Message) -> None:
        self._messages[chat_id, message_id] = message
        if len(self._messages) > self._remembered:
            self._messages.popitem(last=False)

    def remembered(self, chat_id: int, message_id: int) -> Message | None:
        return self._messages.get((chat_id, message_id))

    def forget(self, chat_id: int, message_id: int) -> None:
        self._messages.pop((chat_id, message_id), None)

    def press(self, query_id: str, button: PressedButton) -> None:
        self.pressed[query_id] = button
        if len(self.pressed) > self._remembered:
            del self.pressed[next(iter(self.pressed))]

    def last_message_with_buttons(self, chat_id: int) -> int | None:
        ids = (message_id for chat, message_id in reversed(self._messages) if chat == chat_id)
        return next(ids, None)


class World:
    def __init__(self, *, seed: int, remembered_messages: int) -> None:
        self._random = random.Random(f"{seed}:world")  # noqa: S311 - repeatable, nothing secret
        self._remembered_messages = remembered_messages
        self._bots: dict[int, SimulatedBot] = {}
        self._users: dict[int, User] = {}
        self._nameless = IdSet()
        self._groups: dict[int, Group] = {}
        self.deactivated: set[int] = set()
        self.history = MessageHistory(remembered_messages)
        self.internet = Internet()

    @property
    def bots(self) -> list[SimulatedBot]:
        return list(self._bots.values())

    def add_bot(self, new: NewBot) -> SimulatedBot:
        bot = SimulatedBot(
            new,
            first_update_id=self._random.randrange(1, 1 << 30),
            remembered_messages=self._remembered_messages,
        )
        if bot.id in self._bots:
            raise ActionImpossible(f"Bot {bot.id} exists. To change its token, replace it.")
        self._bots[bot.id] = bot
        return bot

    def bot(self, bot_id: int) -> SimulatedBot:
        try:
            return self._bots[bot_id]
        except KeyError:
            raise NotInWorld(f"bot {bot_id}") from None

    def bot_of_token(self, token: str) -> SimulatedBot:
        """Raises ``Refusal``: 404 for a malformed token, 401 for one that isn't valid."""
        match = _TOKEN.match(token)
        if match is None:
            raise not_found()
        bot = self._bots.get(int(match[1]))
        if bot is None or bot.secret != match[2]:
            raise unauthorized()
        return bot

    def replace_token(self, bot_id: int, token: str) -> None:
        token_id, secret = split_token(token)
        if token_id != bot_id:
            raise ActionImpossible(f"A token of bot {token_id} can't be one of bot {bot_id}.")
        self.bot(bot_id).secret = secret

    def revoke_token(self, bot_id: int) -> None:
        self.bot(bot_id).secret = None

    def forget_file(self, bot_id: int, file_id: str) -> None:
        """As when Telegram lost it: every id of the file is wrong until it's uploaded again."""
        files = self.bot(bot_id).files
        file = files.find(file_id)
        if file is None:
            raise NotInWorld(f"file {file_id}")
        files.forget(file)

    def add_user(self, user: User) -> None:
        self._check_ids(range(user.id, user.id + 1))
        self._users[user.id] = user

    def add_users(self, ids: range) -> None:
        """People with made-up names, who cost no memory."""
        self._check_ids(ids)
        self._nameless.add_range(ids)

    def find_user(self, user_id: int) -> User | None:
        if user_id in self._users:
            return self._users[user_id]
        if user_id not in self._nameless:
            return None
        first_name, last_name, language_code = _NAMES[user_id % len(_NAMES)]
        return User(
            id=user_id,
            first_name=first_name,
            last_name=last_name,
            username=f"user_{user_id}",
            language_code=language_code,
        )

    def user(self, user_id: int) -> User:
        user = self.find_user(user_id)
        if user is None:
            raise NotInWorld(f"user {user_id}")
        return user

    def is_bot(self, chat_id: int) -> bool:
        return chat_id in self._bots

    def add_group(self, bot_id: int, title: str, kind: GroupKind) -> Group:
        self.bot(bot_id)
        number = len(self._groups) + 1
        group_id = -number if kind is GroupKind.GROUP else _FIRST_SUPERGROUP_ID - number
        group = Group(id=group_id, kind=kind, title=title, bot_id=bot_id)
        self._groups[group_id] = group
        return group

    def find_group(self, chat_id: int) -> Group | None:
        return self._groups.get(chat_id)

    def group(self, chat_id: int) -> Group:
        group = self.find_group(chat_id)
        if group is None:
            raise NotInWorld(f"group {chat_id}")
        return group

    def _check_ids(self, ids: range) -> None:
        if not ids or ids[0] < 1 or ids[-1] > _HIGHEST_ID or ids.step != 1:
            raise ActionImpossible("User ids lie between 1 and 2^52 - 1 and follow each other.")
        taken = [bot_id for bot_id in self._bots if bot_id in ids]
        if taken:
            raise ActionImpossible(f"{taken[0]} is the id of a bot.")


def split_token(token: str) -> tuple[int, str]:
    match = _TOKEN.match(token)
    if match is None:
        raise ActionImpossible("A bot token is digits, a colon, and letters, digits, dashes or _.")
    return int(match[1]), match[2]
