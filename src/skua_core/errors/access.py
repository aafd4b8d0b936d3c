"""Who may see what, and guards of Skua's own."""

from uuid import UUID

from skua_core.errors.kinds import ErrorKind, SkuaError

# Access


class BotForbidden(SkuaError):
    """The same for a bot that isn't yours and for one that doesn't exist."""

    kind = ErrorKind.FORBIDDEN
    code = "bot-forbidden"

    def __init__(self) -> None:
        super().__init__("You have no access to such a bot.")


class ResourceNotFound(SkuaError):
    """Inside a bot that one may see: an unknown, foreign or malformed id."""

    kind = ErrorKind.NOT_FOUND
    code = "resource-not-found"

    def __init__(self) -> None:
        super().__init__("No such resource in this bot.")


class WebhookForbidden(SkuaError):
    """Anything wrong with a webhook call: unknown bot, wrong tag, wrong or missing secret."""

    kind = ErrorKind.FORBIDDEN
    code = "webhook-forbidden"

    def __init__(self) -> None:
        super().__init__("This webhook call carries no valid secret.")


# Tenancy and audit


class NoTenant(SkuaError):
    """A tenant's rows were asked for outside any tenant."""

    kind = ErrorKind.INTERNAL
    code = "no-tenant"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} belongs to one bot; open a unit of that bot to reach it.")


class ForeignRow(SkuaError):
    """A unit of one bot was handed a row of another."""

    kind = ErrorKind.INTERNAL
    code = "foreign-row"

    def __init__(self) -> None:
        super().__init__("This row belongs to another bot than the unit it was given to.")


class MissingAudit(SkuaError):
    kind = ErrorKind.INTERNAL
    code = "missing-audit"

    def __init__(self, bot_id: UUID) -> None:
        super().__init__(f"A unit of bot {bot_id} changed rows and wrote no audit entry.")
        self.bot_id = bot_id


class AuditChainBroken(SkuaError):
    kind = ErrorKind.INTERNAL
    code = "audit-chain-broken"

    def __init__(self, chain: str, seq: int, problem: str) -> None:
        super().__init__(f"The audit chain of {chain} breaks at entry {seq}: {problem}.")
        self.chain = chain
        self.seq = seq
        self.problem = problem
