"""Everything that Skua refuses on purpose: what happened, its code, and its facts.

An exception that isn't a ``SkuaError`` is a bug. HTTP status codes are no business of this module:
``skua_http/problems.py`` gives each kind its number.
"""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID


class ErrorKind(StrEnum):
    INVALID = "invalid"
    """What was asked for can't be done as it was put; the message says what to change."""
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"
    """It would be fine at another time or in another state."""
    UNAVAILABLE = "unavailable"
    """Something that Skua depends on does not answer; trying again later is right."""
    INTERNAL = "internal"
    """A guard of Skua's own stopped what must never happen: nothing that a caller could mend."""


class SkuaError(Exception):
    """Base of every deliberate failure. ``code`` is the kebab-case of the class name."""

    kind: ClassVar[ErrorKind]
    code: ClassVar[str]


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


# Secrets and tokens


class SecretUnreadable(SkuaError):
    """A sealed secret can't be opened: wrong key, other bot, other purpose, or damaged."""

    kind = ErrorKind.CONFLICT
    code = "secret-unreadable"

    def __init__(self, bot_id: UUID, reason: str) -> None:
        super().__init__(f"A stored secret of bot {bot_id} can't be read ({reason}).")
        self.bot_id = bot_id
        self.reason = reason


class SecretKeyUnfit(SkuaError):
    kind = ErrorKind.INVALID
    code = "secret-key-unfit"

    def __init__(self, setting: str, problem: str) -> None:
        super().__init__(f"{setting} {problem}.")
        self.setting = setting


class TokenMalformed(SkuaError):
    kind = ErrorKind.INVALID
    code = "token-malformed"

    def __init__(self) -> None:
        super().__init__(
            "This doesn't look like a bot token. @BotFather shows it as digits, a colon and about "
            "35 letters, digits, dashes or underscores."
        )


class TokenRefused(SkuaError):
    kind = ErrorKind.INVALID
    code = "token-refused"

    def __init__(self) -> None:
        super().__init__(
            "Telegram refuses this token. Perhaps it was revoked: ask @BotFather for a new one."
        )


class NotABot(SkuaError):
    """Telegram knows the token, and says that it isn't a bot's."""

    kind = ErrorKind.INVALID
    code = "not-a-bot"

    def __init__(self) -> None:
        super().__init__(
            "Telegram says that this token belongs to no bot. Ask @BotFather for the bot's token."
        )


class TokenOfAnotherBot(SkuaError):
    kind = ErrorKind.CONFLICT
    code = "token-of-another-bot"

    def __init__(self, expected: int, actual: int) -> None:
        super().__init__(
            f"This token belongs to Telegram bot {actual}, but this bot is {expected}. "
            "Connect the other one as a bot of its own."
        )
        self.expected = expected
        self.actual = actual


class TokenMissing(SkuaError):
    kind = ErrorKind.CONFLICT
    code = "token-missing"

    def __init__(self, slug: str, state: str) -> None:
        super().__init__(f"Bot {slug} has no working token (it is {state}). Set one first.")
        self.slug = slug
        self.state = state


class BotInUse(SkuaError):
    kind = ErrorKind.CONFLICT
    code = "bot-in-use"

    def __init__(self, username: str) -> None:
        super().__init__(f"@{username} is already connected. Remove it there first.")
        self.username = username


class BotReadOnly(SkuaError):
    kind = ErrorKind.CONFLICT
    code = "bot-read-only"

    def __init__(self, slug: str) -> None:
        super().__init__(f"Bot {slug} is read-only. Lift that first.")
        self.slug = slug


class TelegramUnavailable(SkuaError):
    """Telegram could not be asked; nothing is known and nothing was changed."""

    kind = ErrorKind.UNAVAILABLE
    code = "telegram-unavailable"

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"Telegram could not be asked ({reason}). Nothing was changed; try again.")
        self.reason = reason
        self.retry_after = retry_after


class TelegramRefused(SkuaError):
    """Telegram understood a management call and said no, in its own words."""

    kind = ErrorKind.INVALID
    code = "telegram-refused"

    def __init__(self, method: str, description: str) -> None:
        super().__init__(f"Telegram refuses {method}: {description}")
        self.method = method
        self.description = description


class UpdatesTakenElsewhere(SkuaError):
    """Another program fetches this bot's updates, or a webhook is set elsewhere."""

    kind = ErrorKind.CONFLICT
    code = "updates-taken-elsewhere"

    def __init__(self, description: str) -> None:
        super().__init__(f"Another program receives this bot's updates: {description}")


class PublicUrlUnfit(SkuaError):
    kind = ErrorKind.INVALID
    code = "public-url-unfit"

    def __init__(self, url: str, problem: str) -> None:
        super().__init__(f"Telegram can't call {url}: {problem}.")
        self.url = url


class UpdateUnreadable(SkuaError):
    kind = ErrorKind.INVALID
    code = "update-unreadable"

    def __init__(self, problem: str, *, update_id: int | None = None) -> None:
        super().__init__(f"An update can't be read: {problem}.")
        self.update_id = update_id


# Names


class SlugInvalid(SkuaError):
    kind = ErrorKind.INVALID
    code = "slug-invalid"

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"{slug!r} can't be a slug: use 2 to 40 lower-case letters, digits and dashes, "
            "with a letter or digit at both ends."
        )


class NameInvalid(SkuaError):
    kind = ErrorKind.INVALID
    code = "name-invalid"

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"A {what} name has 1 to {limit} characters and no control characters.")


# Imports


class ImportUnreadable(SkuaError):
    """The file as a whole can't be read; nothing of it was imported."""

    kind = ErrorKind.INVALID
    code = "import-unreadable"

    def __init__(self, problem: str) -> None:
        super().__init__(f"This file can't be imported: {problem}. Nothing was imported.")


class ImportStopped(SkuaError):
    """The database went away in the middle of an import."""

    kind = ErrorKind.UNAVAILABLE
    code = "import-stopped"

    def __init__(self, line: int, added: int, reason: str) -> None:
        super().__init__(
            f"The import stopped: the database is not available ({reason}). Up to line {line} "
            f"everything is in ({added} added). Import the whole file again: chats that are "
            "there already are passed over."
        )
        self.line = line
        self.added = added
        self.reason = reason


# Broadcasts


class AudienceEmpty(SkuaError):
    kind = ErrorKind.CONFLICT
    code = "audience-empty"

    def __init__(self) -> None:
        super().__init__("Nobody would get this: the audience has no active subscriber.")


class BroadcastAlreadySending(SkuaError):
    kind = ErrorKind.CONFLICT
    code = "broadcast-already-sending"

    def __init__(self) -> None:
        super().__init__("A broadcast of this bot is being sent. Pause it, or wait for its end.")


class AlreadySent(SkuaError):
    kind = ErrorKind.CONFLICT
    code = "already-sent"

    def __init__(self, revision: int, at: datetime) -> None:
        super().__init__(
            f"Revision {revision} of this campaign was broadcast at {at:%Y-%m-%d %H:%M} UTC. "
            "To send it again, say so with repeat."
        )
        self.revision = revision
        self.at = at


class BroadcastStateConflict(SkuaError):
    """What was asked doesn't go with the state that the broadcast is in."""

    kind = ErrorKind.CONFLICT
    code = "broadcast-state-conflict"

    def __init__(self, verb: str, status: str) -> None:
        super().__init__(f"A broadcast that is {status} can't be {verb}.")
        self.verb = verb
        self.status = status


# Lanes and storage


class LeaseLost(SkuaError):
    """Another holder has this lane now: claim nothing, send nothing."""

    kind = ErrorKind.INTERNAL
    code = "lease-lost"

    def __init__(self, bot_id: UUID) -> None:
        super().__init__(f"The lane of bot {bot_id} is held by somebody else.")
        self.bot_id = bot_id


class StorageUnavailable(SkuaError):
    """The database doesn't answer, or is too busy. Nothing was changed unless ``unsure``."""

    kind = ErrorKind.UNAVAILABLE
    code = "storage-unavailable"

    def __init__(self, reason: str, *, unsure: bool = False) -> None:
        super().__init__(f"The database is not available ({reason}).")
        self.reason = reason
        self.unsure = unsure
        """True when the connection broke during COMMIT: it may or may not have happened."""


class StorageUnfit(SkuaError):
    """The database is there and may not be used as it is: roles, locks, or migrations."""

    kind = ErrorKind.INTERNAL
    code = "storage-unfit"

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("The database can't be used: " + "; ".join(problems) + ".")
        self.problems = problems
