"""Bots as rows and as entities."""

from skua_adapters._sql.tables import BotRow
from skua_core.domain.bot import Bot, TokenState, WebhookState
from skua_core.ids import BotId, TelegramId, UserId


def bot_of(row: BotRow) -> Bot:
    return Bot(
        id=BotId(row.id),
        slug=row.slug,
        public_id=row.public_id,
        name=row.name,
        owner_id=UserId(row.owner_id),
        telegram_id=None if row.telegram_id is None else TelegramId(row.telegram_id),
        telegram_username=row.telegram_username,
        token_state=TokenState(row.token_state),
        webhook_state=WebhookState(row.webhook_state),
        read_only=row.read_only,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
