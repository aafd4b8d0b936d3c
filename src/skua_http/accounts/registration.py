"""Registering: an account exists once the code from the mail was entered."""

from http import HTTPStatus
from typing import Any

from dishka import FromDishka
from litestar import MediaType, Request, post
from litestar.params import JSONBody
from litestar.response.base import ASGIResponse

from skua_core.domain.secret import Secret
from skua_core.errors import (
    CodeInvalid,
    EmailInvalid,
    NameInvalid,
    PasswordCheckBusy,
    PasswordUnfit,
    RegistrationClosed,
)
from skua_core.use_cases.accounts.registration import (
    Register,
    RegisterCommand,
    ResendCode,
    ResendCodeCommand,
    VerifyRegistration,
    VerifyRegistrationCommand,
)
from skua_http.accounts.schemas import (
    RegisterRequest,
    RegistrationResponse,
    ResendRequest,
    VerifyRequest,
)
from skua_http.authentication import caller_of
from skua_http.injection import inject
from skua_http.openapi import problems


@post(
    "/api/auth/register",
    status_code=HTTPStatus.ACCEPTED,
    summary="Register",
    responses=problems(
        EmailInvalid,
        PasswordUnfit,
        NameInvalid,
        RegistrationClosed,
        PasswordCheckBusy,
        public=True,
        body=True,
    ),
)
@inject
async def register(
    request: Request[Any, Any, Any],
    data: JSONBody[RegisterRequest],
    use_case: FromDishka[Register],
) -> RegistrationResponse:
    """Mails a code to the address.

    The answer is the same for an address that has an account; its owner gets a mail that says so.
    """
    registration_id = await use_case(
        RegisterCommand(
            email=data.email,
            password=Secret(data.password),
            name=data.name,
            caller=caller_of(request),
        )
    )
    return RegistrationResponse(registration_id=registration_id)


@post(
    "/api/auth/resend",
    status_code=HTTPStatus.ACCEPTED,
    summary="Mail a new code",
    responses=problems(public=True, body=True),
)
@inject
async def resend_code(
    request: Request[Any, Any, Any],
    data: JSONBody[ResendRequest],
    use_case: FromDishka[ResendCode],
) -> ASGIResponse:
    """The new code takes the place of the former one, which is worth nothing then."""
    await use_case(
        ResendCodeCommand(registration_id=data.registration_id, caller=caller_of(request))
    )
    # Litestar would write "null".
    return ASGIResponse(media_type=MediaType.TEXT, status_code=HTTPStatus.ACCEPTED)


@post(
    "/api/auth/verify",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Enter the code",
    responses=problems(CodeInvalid, public=True, body=True),
)
@inject
async def verify_registration(
    request: Request[Any, Any, Any],
    data: JSONBody[VerifyRequest],
    use_case: FromDishka[VerifyRegistration],
) -> None:
    """Confirms that one registration with its password; then its owner can sign in."""
    await use_case(
        VerifyRegistrationCommand(
            registration_id=data.registration_id, code=data.code, caller=caller_of(request)
        )
    )
