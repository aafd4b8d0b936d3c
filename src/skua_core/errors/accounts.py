"""Signing up and signing in."""

from skua_core.errors.kinds import ErrorKind, SkuaError


class EmailInvalid(SkuaError):
    kind = ErrorKind.INVALID
    code = "email-invalid"

    def __init__(self, problem: str) -> None:
        super().__init__(f"This isn't an e-mail address that mail can be sent to: {problem}.")


class PasswordUnfit(SkuaError):
    kind = ErrorKind.INVALID
    code = "password-unfit"

    def __init__(self, problem: str) -> None:
        super().__init__(f"This password can't be used: {problem}.")


class RegistrationClosed(SkuaError):
    """Nobody may join, or nobody without an invitation; which of them is the setting's business."""

    kind = ErrorKind.FORBIDDEN
    code = "registration-closed"

    def __init__(self) -> None:
        super().__init__("This installation takes no registrations. Ask whoever runs it.")


class CodeInvalid(SkuaError):
    """Wrong, used, superseded, too old, tried too often, or never sent: nobody can tell which."""

    kind = ErrorKind.INVALID
    code = "code-invalid"

    def __init__(self) -> None:
        super().__init__("This code doesn't work (any more). Ask for a new one.")


class InvalidCredentials(SkuaError):
    """The same for an unknown address, a wrong password, an unverified and a disabled account."""

    kind = ErrorKind.UNAUTHENTICATED
    code = "invalid-credentials"

    def __init__(self) -> None:
        super().__init__("The address or the password isn't right.")


class SecondFactorRequired(SkuaError):
    """The password was right; a code is missing, or isn't right."""

    kind = ErrorKind.UNAUTHENTICATED
    code = "second-factor-required"

    def __init__(self) -> None:
        super().__init__("A code of your authenticator, or one of your recovery codes, is needed.")


class NotSignedIn(SkuaError):
    """No session or key, or one that is over."""

    kind = ErrorKind.UNAUTHENTICATED
    code = "not-signed-in"

    def __init__(self) -> None:
        super().__init__("Sign in first, or send a valid API key.")


class StepUpRequired(SkuaError):
    kind = ErrorKind.FORBIDDEN
    code = "step-up-required"

    def __init__(self) -> None:
        super().__init__("Enter your password again first; then you have 15 minutes for this.")


class KeyNotAllowed(SkuaError):
    """An API key asked for what takes a person, or more than it was made for."""

    kind = ErrorKind.FORBIDDEN
    code = "key-not-allowed"

    def __init__(self) -> None:
        super().__init__("This API key doesn't allow that.")


class TooManyRequests(SkuaError):
    kind = ErrorKind.THROTTLED
    code = "too-many-requests"

    def __init__(self, retry_after: float) -> None:
        super().__init__("Too many requests. Try again later.")
        self.retry_after = retry_after
        """Seconds."""


class PasswordCheckBusy(SkuaError):
    """More passwords wait to be checked than can be in any useful time."""

    kind = ErrorKind.UNAVAILABLE
    code = "password-check-busy"

    def __init__(self, retry_after: float) -> None:
        super().__init__("Too many people are signing in at this moment. Try again in a moment.")
        self.retry_after = retry_after
        """Seconds."""


class EmailInUse(SkuaError):
    """Told to an operator at the shell alone: over HTTP nobody learns who has an account."""

    kind = ErrorKind.CONFLICT
    code = "email-in-use"

    def __init__(self) -> None:
        super().__init__("This address already has an account.")


class LocalUserTaken(SkuaError):
    kind = ErrorKind.CONFLICT
    code = "local-user-taken"

    def __init__(self) -> None:
        super().__init__("The bots of this shell's user belong to an account already.")


class UserNotFound(SkuaError):
    kind = ErrorKind.NOT_FOUND
    code = "user-not-found"

    def __init__(self) -> None:
        super().__init__("There is no such user.")


class TotpStateConflict(SkuaError):
    kind = ErrorKind.CONFLICT
    code = "totp-state-conflict"

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem}.")


class ExpiryInvalid(SkuaError):
    kind = ErrorKind.INVALID
    code = "expiry-invalid"

    def __init__(self) -> None:
        super().__init__("The end of an API key has to lie in the future.")


class ItemNotFound(SkuaError):
    """One of one's own things: a session, a device, a key."""

    kind = ErrorKind.NOT_FOUND
    code = "item-not-found"

    def __init__(self) -> None:
        super().__init__("There is no such item in your account.")


class AccountOwnsBots(SkuaError):
    """Somebody would lose bots that nobody else owns."""

    kind = ErrorKind.CONFLICT
    code = "account-owns-bots"

    def __init__(self, slugs: list[str]) -> None:
        super().__init__(
            f"This account still owns bots ({', '.join(slugs)}). Transfer or delete them first."
        )
        self.slugs = slugs


class MailUndeliverable(SkuaError):
    """The mail server refused this mail for good; trying again would change nothing."""

    kind = ErrorKind.INVALID
    code = "mail-undeliverable"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The mail server refuses this mail: {reason}.")


class MailUnavailable(SkuaError):
    """The mail server doesn't answer, or asks to come again later."""

    kind = ErrorKind.UNAVAILABLE
    code = "mail-unavailable"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The mail server isn't available: {reason}.")
