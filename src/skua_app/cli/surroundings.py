"""What a command finds around it: the environment, the person, the installation."""

import asyncio
import logging
import os
import pwd
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Protocol, TypeVar

from skua_app.settings import Settings, load
from skua_core.domain.bot import Bot
from skua_core.domain.user import Actor, User
from skua_core.errors import ErrorKind, SkuaError
from skua_core.ids import UserId
from skua_core.ports.platform_storage import PlatformStorage
from skua_core.use_cases.access import BotAccess, EnterBot, EnterBotQuery
from skua_core.use_cases.bots import ListBots, ListBotsQuery

T = TypeVar("T")


class BotNotChosen(SkuaError):
    """Several bots, or none, and the command named none."""

    kind = ErrorKind.INVALID
    code = "bot-not-chosen"

    def __init__(self, slugs: Sequence[str]) -> None:
        super().__init__(
            f"You have {len(slugs)} bots; say with --bot which one: {', '.join(slugs)}."
            if slugs
            else "You have no bot yet. Connect one with `skua bot add`."
        )


class Container(Protocol):
    """As much of dishka's as commands use."""

    async def get(self, dependency_type: Any) -> Any: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Reached:
    """A database that answers."""

    settings: Settings
    alone: bool
    """It was started for this command: nobody else is connected, so nobody sends."""


@contextmanager
def _reach(settings: Settings) -> Iterator[Reached]:
    from skua_app.cli.database import reach  # noqa: PLC0415 - seconds that --help doesn't have
    from skua_app.logs import set_up_logs  # noqa: PLC0415 - as above

    set_up_logs(settings.skua_log, logging.WARNING)
    with reach(settings) as reached:
        yield reached


def _make_container(settings: Settings) -> Container:
    from skua_app.container import make_container  # noqa: PLC0415 - seconds, as above

    return make_container(settings)


def system_user() -> str:
    """The account that the process runs as; what the environment says isn't asked."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"uid{os.geteuid()}"


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Handed to every command; tests hand over others."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    user: str = field(default_factory=system_user)
    reach: Callable[[Settings], AbstractContextManager[Reached]] = _reach
    container: Callable[[Settings], Container] = _make_container

    def settings(self) -> Settings:
        """Raises SettingInvalid."""
        return load(self.environ)

    @contextmanager
    def session(self) -> Iterator["Session"]:
        """A database that answers and everything over it.

        Enter it in the main thread: the embedded server ends with the thread that started it.
        """
        with self.reach(self.settings()) as reached, asyncio.Runner() as runner:
            container = self.container(reached.settings)
            try:
                yield Session(runner, container, reached, login=f"cli:{self.user}")
            finally:
                runner.run(container.close())


class Session:
    """One command's use of an installation.

    The command itself is no coroutine: between two of its steps Ctrl-C ends it at once, also while
    it waits for an answer from the keyboard.
    """

    def __init__(
        self, runner: asyncio.Runner, container: Container, reached: Reached, *, login: str
    ) -> None:
        self._runner = runner
        self._container = container
        self._login = login
        self._user: User | None = None
        self.settings = reached.settings
        self.alone = reached.alone

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def get(self, kind: Callable[..., T]) -> T:
        """A use case or a port."""
        return self.run(self.find(kind))

    async def find(self, kind: Callable[..., T]) -> T:
        """The same inside a coroutine."""
        found: T = await self._container.get(kind)
        return found

    @property
    def local_login(self) -> str:
        """Who runs the command, as Skua names them until an account takes them over."""
        return self._login

    @property
    def user_id(self) -> UserId:
        return self._me().id

    @property
    def actor(self) -> Actor:
        me = self._me()
        return Actor(user_id=me.id, name=me.login, user_agent=f"skua/{version('skua')}")

    def bots(self) -> Sequence[Bot]:
        return self.run(self.get(ListBots)(ListBotsQuery(user_id=self.user_id)))

    def enter(self, slug: str | None) -> BotAccess:
        """The named bot, or the only one. Raises BotForbidden and BotNotChosen."""
        if slug is None:
            slugs = [bot.slug for bot in self.bots()]
            if len(slugs) != 1:
                raise BotNotChosen(slugs)
            slug = slugs[0]
        return self.run(self.get(EnterBot)(EnterBotQuery(slug=slug, actor=self.actor)))

    def _me(self) -> User:
        if self._user is None:
            self._user = self.run(self.get(PlatformStorage).ensure_user(self._login))
        return self._user
