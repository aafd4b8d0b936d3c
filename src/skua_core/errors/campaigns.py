"""Messages, broadcasts and imports."""

from datetime import datetime
from uuid import UUID

from skua_core.errors.kinds import ErrorKind, SkuaError

# Media


class MediumUnfit(SkuaError):
    """A medium that Telegram wouldn't take."""

    kind = ErrorKind.INVALID
    code = "medium-unfit"

    def __init__(self, what: str, problem: str) -> None:
        super().__init__(f"{what} can't be sent: {problem}.")
        self.what = what
        self.problem = problem


class MediumMissing(SkuaError):
    """Its bytes were expected in the store and aren't there."""

    kind = ErrorKind.CONFLICT
    code = "medium-missing"

    def __init__(self, media_id: UUID) -> None:
        super().__init__(f"The file of medium {media_id} is gone. Upload it again.")
        self.media_id = media_id


class MessageUnfit(SkuaError):
    """Parts of a message that don't go together."""

    kind = ErrorKind.INVALID
    code = "message-unfit"

    def __init__(self, problem: str) -> None:
        super().__init__(f"This message can't be sent: {problem}.")
        self.problem = problem


class VariantInvalid(SkuaError):
    """One language's wording of a message is wrong; the cause says how."""

    kind = ErrorKind.INVALID
    code = "variant-invalid"

    def __init__(self, language: str, problem: str) -> None:
        super().__init__(f"In the wording for {language!r}: {problem}")
        self.language = language


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


class NotResendable(SkuaError):
    kind = ErrorKind.INVALID
    code = "not-resendable"

    def __init__(self, outcomes: tuple[str, ...]) -> None:
        asked = ", ".join(outcomes) or "nothing"
        super().__init__(
            f"Only those whose outcome is failed or uncertain can be sent to again, not: {asked}."
        )
        self.outcomes = outcomes


class NothingToResend(SkuaError):
    kind = ErrorKind.CONFLICT
    code = "nothing-to-resend"

    def __init__(self, outcomes: tuple[str, ...]) -> None:
        super().__init__(f"Nobody in this broadcast is {' or '.join(outcomes)}.")
        self.outcomes = outcomes


class BroadcastArchived(SkuaError):
    """Its totals are kept, its rows are gone: nobody knows any more who got it."""

    kind = ErrorKind.CONFLICT
    code = "broadcast-archived"

    def __init__(self) -> None:
        super().__init__(
            "This broadcast is archived: its totals are kept, but not who got it. "
            "Send the campaign as a new broadcast."
        )


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


# Replies and tests


class KeywordInvalid(SkuaError):
    kind = ErrorKind.INVALID
    code = "keyword-invalid"

    def __init__(self, problem: str) -> None:
        super().__init__(f"This can't be a keyword: {problem}.")


class TriggerTaken(SkuaError):
    kind = ErrorKind.CONFLICT
    code = "trigger-taken"

    def __init__(self, trigger: str) -> None:
        super().__init__(f"Another auto-message answers {trigger} already. Change or remove it.")
        self.trigger = trigger


class ChatNotLinked(SkuaError):
    """Whoever asks for a test has to show first which chat is theirs."""

    kind = ErrorKind.CONFLICT
    code = "chat-not-linked"

    def __init__(self) -> None:
        super().__init__(
            "Your own chat with this bot isn't known yet. Link it first, then send the test."
        )


class TagInvalid(SkuaError):
    kind = ErrorKind.INVALID
    code = "tag-invalid"

    def __init__(self, limit: int) -> None:
        super().__init__(f"A tag has 1 to {limit} characters, none of them a control character.")
