"""The rows by which people sign in; they belong to no bot."""

from skua_adapters._memory.rows import CredentialsRow, InvitationRow, MailRow, RecoveryCodeRow
from skua_adapters._memory.tables import Table
from skua_core.domain.challenge import Challenge
from skua_core.domain.session import ApiKey, Device, Session
from skua_core.ids import ApiKeyId, BotId, DeviceId, MailId, SessionId, UserId


class AccountTables:
    def __init__(self) -> None:
        self.credentials = Table[UserId, CredentialsRow]()
        self.challenges = Table[bytes, Challenge](
            login=lambda row: row.login, user=lambda row: row.user_id
        )
        self.sessions = Table[SessionId, Session](
            sid_hash=lambda row: row.sid_hash, user=lambda row: row.user_id
        )
        self.devices = Table[DeviceId, Device](user=lambda row: row.user_id)
        self.api_keys = Table[ApiKeyId, ApiKey](
            secret_hash=lambda row: row.secret_hash, user=lambda row: row.user_id
        )
        self.recovery_codes = Table[tuple[UserId, bytes], RecoveryCodeRow](
            user=lambda row: row.user_id
        )
        self.mails = Table[MailId, MailRow]()
        self.invitations = Table[tuple[BotId, str], InvitationRow](login=lambda row: row.login)
        """By bot and address."""
