"""The tables as SQLAlchemy sees them. The migrations make them; a test compares the two."""

from skua_adapters._sql.tables.accounts import (
    ApiKeyRow,
    ChallengeRow,
    CredentialsRow,
    DeviceRow,
    InvitationRow,
    MailRow,
    RecoveryCodeRow,
    SessionRow,
)
from skua_adapters._sql.tables.base import PlatformBase, TenantBase, TenantRow
from skua_adapters._sql.tables.ledger import (
    BroadcastRow,
    DeliveryAttemptRow,
    DeliveryRow,
    DirectMessageRow,
)
from skua_adapters._sql.tables.messages import (
    AutoMessageRow,
    CampaignRevisionRow,
    CampaignRow,
    MediaChunkRow,
    MediaFileRow,
    MediaRow,
)
from skua_adapters._sql.tables.people import (
    BotSecretsRow,
    ChatLinkRow,
    SetAsideUpdateRow,
    SubscriberRow,
    UpdateRow,
)
from skua_adapters._sql.tables.platform import (
    BotPermissionRow,
    BotRow,
    LaneRow,
    ScheduledJobRow,
    UserRow,
    WakeRow,
)

__all__ = [
    "ApiKeyRow",
    "AutoMessageRow",
    "BotPermissionRow",
    "BotRow",
    "BotSecretsRow",
    "BroadcastRow",
    "CampaignRevisionRow",
    "CampaignRow",
    "ChallengeRow",
    "ChatLinkRow",
    "CredentialsRow",
    "DeliveryAttemptRow",
    "DeliveryRow",
    "DeviceRow",
    "DirectMessageRow",
    "InvitationRow",
    "LaneRow",
    "MailRow",
    "MediaChunkRow",
    "MediaFileRow",
    "MediaRow",
    "PlatformBase",
    "RecoveryCodeRow",
    "ScheduledJobRow",
    "SessionRow",
    "SetAsideUpdateRow",
    "SubscriberRow",
    "TenantBase",
    "TenantRow",
    "UpdateRow",
    "UserRow",
    "WakeRow",
]
