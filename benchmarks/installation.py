"""A whole installation with a bot and its subscribers, in a folder that is gone afterwards."""

import asyncio
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import msgspec
from dishka import AsyncContainer

from skua_app.container import make_container
from skua_app.embedded import EmbeddedInstallation
from skua_app.settings import Settings
from skua_core.domain.audit import NewAuditEntry
from skua_core.domain.bot import Bot, TokenState, WebhookState, make_public_id, make_slug
from skua_core.domain.secret import BotToken
from skua_core.domain.user import SYSTEM
from skua_core.ids import BotId
from skua_core.ports.clock import Clock
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.platform_storage import PlatformStorage
from skua_core.ports.repositories import BotSecrets
from skua_core.ports.tenant_storage import TenantStorage
from skua_core.ports.token_vault import TokenVault

LOGIN = "cli:benchmark"
SUPERUSER = "SKUA_BENCH_SUPERUSER"
"""Where senders find the superuser's address of the database."""
TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawA"  # noqa: S105 - nobody's
FIRST_CHAT = 5_000_000_001
"""As `skua telegram-simulator --audience` numbers them."""
_SUBSCRIBE = """
INSERT INTO tenant.subscribers (bot_id, id, chat_id, kind, first_name, subscribed,
    subscribed_changed_at, reach, reach_changed_at, joined_at)
SELECT $1, tenant.first_id((now() - make_interval(secs => ($2 - n) / 1000.0))::timestamp),
    $3::bigint + n, 'private', 'Person ' || n, true, now(), 'reachable', now(), now()
FROM generate_series(1, $2::int) AS n
"""


class Place(msgspec.Struct, frozen=True):
    """One bot with its subscribers, and how to get at the database it lives in."""

    slug: str
    bot_id: str
    subscribers: int
    environ: Mapping[str, str]
    """Skua's settings and SUPERUSER, for processes that send."""


class Installation:
    def __init__(self, embedded: EmbeddedInstallation) -> None:
        self.settings = embedded.settings
        self.dsn = embedded.postgres.dsn(database="skua")

    def settle(self, subscribers: int, *, token: str = TOKEN) -> Place:
        """A new bot with that many active subscribers."""
        return self.settle_many([token], subscribers)[0]

    def settle_many(self, tokens: Sequence[str], subscribers: int) -> list[Place]:
        """A new bot for each token, with that many active subscribers each."""
        bots = asyncio.run(self._settle(subscribers, [BotToken(token) for token in tokens]))
        environ = {
            "SKUA_DATABASE_URL": self.settings.skua_database_url or "",
            "WEB_SECRET_KEY": self.settings.web_secret_key or "",
            SUPERUSER: self.dsn,
        }
        return [Place(bot.slug, str(bot.id), subscribers, environ) for bot in bots]

    async def _settle(self, subscribers: int, tokens: Sequence[BotToken]) -> list[Bot]:
        container = make_container(self.settings)
        try:
            bots = [await _connect_bot(container, token) for token in tokens]
        finally:
            await container.close()
        outside = await asyncpg.connect(self.dsn)
        try:
            for bot in bots:
                await outside.execute(_SUBSCRIBE, bot.id, subscribers, FIRST_CHAT - 1)
            await outside.execute("VACUUM ANALYZE")
            await outside.execute("CHECKPOINT")
        finally:
            await outside.close()
        return bots


async def _connect_bot(container: AsyncContainer, token: BotToken) -> Bot:
    platform = await container.get(PlatformStorage)
    ids = await container.get(IdFactory)
    vault = await container.get(TokenVault)
    now = (await container.get(Clock)).now()
    owner = await platform.ensure_user(LOGIN)
    bot = Bot(
        id=BotId(ids.new()),
        slug=make_slug("pelican"),
        public_id=make_public_id(),
        name="Pelican",
        owner_id=owner.id,
        telegram_id=token.telegram_id,
        telegram_username="pelican_bot",
        token_state=TokenState.ACTIVE,
        webhook_state=WebhookState.SET,
        created_at=now,
        updated_at=now,
    )
    storage = await container.get(TenantStorage)
    async with storage.unit(bot.id) as unit:
        await unit.bot.add(bot)
        await unit.bot.save_secrets(BotSecrets(sealed_token=vault.seal_token(bot.id, token)))
        entry = NewAuditEntry(actor=SYSTEM, action="bot.added", resource=f"bot:{bot.id}")
        await unit.audit.append(entry)
        await unit.commit()
    return bot


@contextmanager
def installation(parent: Path | None = None) -> Iterator[Installation]:
    """On disk and durable, as an operator's is; ``parent`` is where its folder is made.

    Its PostgreSQL runs on the cores that this process may use.
    """
    with tempfile.TemporaryDirectory(prefix="skua-bench-", dir=parent) as folder:
        Path(folder).chmod(0o755)
        with EmbeddedInstallation(Settings(skua_data_dir=Path(folder))) as embedded:
            yield Installation(embedded)
