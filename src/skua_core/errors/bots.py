"""Bots: their secrets, their tokens, what Telegram says to them, their names."""

from uuid import UUID

from skua_core.errors.kinds import ErrorKind, SkuaError

# Secrets and tokens


class SecretUnreadable(SkuaError):
    """A sealed secret can't be opened: wrong key, other owner, other purpose, or damaged."""

    kind = ErrorKind.CONFLICT
    code = "secret-unreadable"

    def __init__(self, subject: UUID, reason: str) -> None:
        super().__init__(f"A stored secret of {subject} can't be read ({reason}).")
        self.subject = subject
        """Whose it is: a bot, a user, a mail."""
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
