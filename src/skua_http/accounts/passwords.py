"""Passwords: forgotten, reset and changed; and the address, which changes by a code as well."""

from http import HTTPStatus
from typing import Any

from dishka import FromDishka
from litestar import Request, post, put
from litestar.params import JSONBody

from skua_core.domain.secret import Secret
from skua_core.errors import (
    CodeInvalid,
    EmailInvalid,
    InvalidCredentials,
    PasswordCheckBusy,
    PasswordUnfit,
    StepUpRequired,
)
from skua_core.use_cases.accounts.email_change import (
    ConfirmEmailChange,
    ConfirmEmailChangeCommand,
    RequestEmailChange,
    RequestEmailChangeCommand,
)
from skua_core.use_cases.accounts.passwords import (
    ChangePassword,
    ChangePasswordCommand,
    ForgotPassword,
    ForgotPasswordCommand,
    ResetPassword,
    ResetPasswordCommand,
)
from skua_http.accounts.schemas import (
    ChangePasswordRequest,
    ConfirmEmailRequest,
    EmailChangeRequest,
    EmailChangeResponse,
    ForgotPasswordRequest,
    PasswordResetResponse,
    ResetPasswordRequest,
)
from skua_http.authentication import SignedInRequest, caller_of, person_needed, sign_in_needed
from skua_http.injection import inject
from skua_http.openapi import BY_PERSON, problems


@post(
    "/api/auth/password/forgot",
    status_code=HTTPStatus.ACCEPTED,
    summary="Forgot the password",
    responses=problems(EmailInvalid, public=True, body=True),
)
@inject
async def forget_password(
    request: Request[Any, Any, Any],
    data: JSONBody[ForgotPasswordRequest],
    use_case: FromDishka[ForgotPassword],
) -> PasswordResetResponse:
    """Mails a code, or, to an address without an account, that it has none."""
    command = ForgotPasswordCommand(email=data.email, caller=caller_of(request))
    return PasswordResetResponse(reset_id=await use_case(command))


@post(
    "/api/auth/password/reset",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Set a new password by code",
    responses=problems(CodeInvalid, PasswordUnfit, PasswordCheckBusy, public=True, body=True),
)
@inject
async def reset_password(
    request: Request[Any, Any, Any],
    data: JSONBody[ResetPasswordRequest],
    use_case: FromDishka[ResetPassword],
) -> None:
    """Ends every session of the account."""
    await use_case(
        ResetPasswordCommand(
            reset_id=data.reset_id,
            code=data.code,
            password=Secret(data.password),
            caller=caller_of(request),
        )
    )


@put(
    "/api/auth/password",
    guards=[sign_in_needed, person_needed],
    status_code=HTTPStatus.NO_CONTENT,
    summary="Change the password",
    security=BY_PERSON,
    responses=problems(InvalidCredentials, PasswordUnfit, PasswordCheckBusy, body=True),
)
@inject
async def change_password(
    request: SignedInRequest,
    data: JSONBody[ChangePasswordRequest],
    use_case: FromDishka[ChangePassword],
) -> None:
    """Ends every other session."""
    await use_case(
        ChangePasswordCommand(
            signed_in=request.user,
            current_password=Secret(data.current_password),
            new_password=Secret(data.new_password),
            caller=caller_of(request),
        )
    )


@post(
    "/api/auth/email",
    guards=[sign_in_needed],
    status_code=HTTPStatus.ACCEPTED,
    summary="Change the address",
    security=BY_PERSON,
    responses=problems(EmailInvalid, StepUpRequired, body=True),
)
@inject
async def change_email(
    request: SignedInRequest,
    data: JSONBody[EmailChangeRequest],
    use_case: FromDishka[RequestEmailChange],
) -> EmailChangeResponse:
    """Mails a code to the new address. Nothing changes before it was entered."""
    command = RequestEmailChangeCommand(
        signed_in=request.user, email=data.email, caller=caller_of(request)
    )
    return EmailChangeResponse(change_id=await use_case(command))


@post(
    "/api/auth/email/confirm",
    guards=[sign_in_needed, person_needed],
    status_code=HTTPStatus.NO_CONTENT,
    summary="Confirm the new address",
    security=BY_PERSON,
    responses=problems(CodeInvalid, body=True),
)
@inject
async def confirm_email(
    request: SignedInRequest,
    data: JSONBody[ConfirmEmailRequest],
    use_case: FromDishka[ConfirmEmailChange],
) -> None:
    """The old address is told, and every other session ends."""
    await use_case(
        ConfirmEmailChangeCommand(
            signed_in=request.user,
            change_id=data.change_id,
            code=data.code,
            caller=caller_of(request),
        )
    )
