"""The bodies of the account's operations."""

from datetime import datetime
from typing import Annotated, Self

from msgspec import Meta

from skua_core.domain.session import ApiKey, Device, KeyAccess, Session
from skua_core.ids import SessionId
from skua_core.use_cases.accounts.api_keys import CreatedKey
from skua_core.use_cases.accounts.signed_in import SignedIn
from skua_http.bodies import Body, Id, NextCursor, Time, timestamp

# Limits that say what was certainly never meant. What an address, a password or a code has to be
# like, the use cases know.
Email = Annotated[str, Meta(max_length=320, examples=["ana@example.com"])]
Password = Annotated[str, Meta(max_length=1024, examples=["a heron on one leg, waiting"])]
Code = Annotated[str, Meta(max_length=64, examples=["40718263"])]
Handle = Annotated[str, Meta(max_length=64, examples=["Zk3vT0nX1qYbR8mWc5sLpA"])]
SecondFactor = Annotated[
    str,
    Meta(
        max_length=64,
        description="A code of the authenticator, or a recovery code",
        examples=["492039"],
    ),
]
Name = Annotated[str, Meta(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$", examples=["Ana Horvat"])]
KeyName = Annotated[
    str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$", examples=["nightly"])
]
Slugs = Annotated[
    tuple[Annotated[str, Meta(max_length=64)], ...],
    Meta(max_length=100, description="Of bots; none for every bot you may see, now and later"),
]


class RegisterRequest(Body, frozen=True, kw_only=True):
    email: Email
    password: Password
    name: Name = ""


class RegistrationResponse(Body, frozen=True, kw_only=True):
    registration_id: Handle


class ResendRequest(Body, frozen=True, kw_only=True):
    registration_id: Handle


class VerifyRequest(Body, frozen=True, kw_only=True):
    registration_id: Handle
    code: Code


class LoginRequest(Body, frozen=True, kw_only=True):
    email: Email
    password: Password
    totp: SecondFactor | None = None


class UserResponse(Body, frozen=True, kw_only=True):
    id: Id
    email: Email
    name: Name
    totp_enabled: Annotated[bool, Meta(examples=[True])]
    created_at: Time

    @classmethod
    def of(cls, signed_in: SignedIn) -> Self:
        user = signed_in.user
        return cls(
            id=str(user.id),
            email=user.login,
            name=user.name,
            totp_enabled=signed_in.totp_enabled,
            created_at=timestamp(user.created_at),
        )


class LoginResponse(Body, frozen=True, kw_only=True):
    user: UserResponse


class ForgotPasswordRequest(Body, frozen=True, kw_only=True):
    email: Email


class PasswordResetResponse(Body, frozen=True, kw_only=True):
    reset_id: Handle


class ResetPasswordRequest(Body, frozen=True, kw_only=True):
    reset_id: Handle
    code: Code
    password: Password


class ChangePasswordRequest(Body, frozen=True, kw_only=True):
    current_password: Password
    new_password: Password


class StepUpRequest(Body, frozen=True, kw_only=True):
    password: Password
    totp: SecondFactor | None = None


class EmailChangeRequest(Body, frozen=True, kw_only=True):
    email: Email


class EmailChangeResponse(Body, frozen=True, kw_only=True):
    change_id: Handle


class ConfirmEmailRequest(Body, frozen=True, kw_only=True):
    change_id: Handle
    code: Code


class SeenFrom(Body, frozen=True, kw_only=True):
    """Where something was used."""

    ip: Annotated[str | None, Meta(examples=["203.0.113.7"])]
    user_agent: Annotated[str | None, Meta(examples=["Mozilla/5.0 (X11; Linux x86_64)"])]
    created_at: Time
    last_seen_at: Time


class SessionResponse(SeenFrom, frozen=True, kw_only=True):
    id: Id
    current: Annotated[bool, Meta(description="Whether it is the one that asks", examples=[True])]

    @classmethod
    def of(cls, session: Session, current: SessionId) -> Self:
        return cls(
            id=str(session.id),
            ip=session.ip,
            user_agent=session.user_agent,
            created_at=timestamp(session.created_at),
            last_seen_at=timestamp(session.last_seen_at),
            current=session.id == current,
        )


class DeviceResponse(SeenFrom, frozen=True, kw_only=True):
    id: Id

    @classmethod
    def of(cls, device: Device) -> Self:
        return cls(
            id=str(device.id),
            ip=device.ip,
            user_agent=device.user_agent,
            created_at=timestamp(device.created_at),
            last_seen_at=timestamp(device.last_seen_at),
        )


class SessionsResponse(Body, frozen=True, kw_only=True):
    items: list[SessionResponse]
    next_cursor: NextCursor


class DevicesResponse(Body, frozen=True, kw_only=True):
    items: list[DeviceResponse]
    next_cursor: NextCursor


class TotpResponse(Body, frozen=True, kw_only=True):
    otpauth_uri: Annotated[
        str,
        Meta(
            description="For a QR code",
            examples=["otpauth://totp/Skua:ana%40example.com?secret=JBSWY3DPEHPK3PXP&issuer=Skua"],
        ),
    ]
    secret: Annotated[str, Meta(description="To type by hand", examples=["JBSWY3DPEHPK3PXP"])]


class ConfirmTotpRequest(Body, frozen=True, kw_only=True):
    code: SecondFactor


class RecoveryCodesResponse(Body, frozen=True, kw_only=True):
    recovery_codes: Annotated[
        list[str],
        Meta(description="Each works once. They are shown now and never again."),
    ]


class CreateApiKeyRequest(Body, frozen=True, kw_only=True):
    name: KeyName
    access: KeyAccess
    bots: Slugs | None = None
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None


class ApiKeyResponse(Body, frozen=True, kw_only=True):
    id: Id
    name: KeyName
    access: KeyAccess
    bot_ids: Annotated[list[str] | None, Meta(description="Null for every bot")]
    created_at: Time
    expires_at: Time | None
    last_used_at: Time | None

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        return cls(
            id=str(key.id),
            name=key.name,
            access=key.access,
            bot_ids=None if key.bots is None else [str(bot_id) for bot_id in key.bots],
            created_at=timestamp(key.created_at),
            expires_at=None if key.expires_at is None else timestamp(key.expires_at),
            last_used_at=None if key.last_used_at is None else timestamp(key.last_used_at),
        )


class ApiKeysResponse(Body, frozen=True, kw_only=True):
    items: list[ApiKeyResponse]
    next_cursor: NextCursor


class CreatedApiKeyResponse(Body, frozen=True, kw_only=True):
    api_key: ApiKeyResponse
    secret: Annotated[
        str,
        Meta(
            description="The key itself, to send as ``Authorization: Bearer …``; never shown again",
            examples=["skua_Vd0mT3kQ9xWb7LrYc2Nf8sHjE5uPz1aG4oXi6tKyMqR"],
        ),
    ]

    @classmethod
    def of(cls, created: CreatedKey) -> Self:
        return cls(api_key=ApiKeyResponse.of(created.key), secret=created.secret.reveal())
