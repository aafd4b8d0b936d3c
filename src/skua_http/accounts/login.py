"""Signing in and out."""

import contextlib
from http import HTTPStatus
from typing import Any

from dishka import FromDishka
from litestar import Request, Response, get, post
from litestar.params import JSONBody

from skua_core.domain.secret import Secret
from skua_core.errors import (
    EmailInvalid,
    InvalidCredentials,
    KeyNotAllowed,
    NotSignedIn,
    PasswordCheckBusy,
    SecondFactorRequired,
)
from skua_core.use_cases.accounts.login import Login, LoginCommand
from skua_core.use_cases.accounts.sessions import Logout, LogoutCommand, StepUp, StepUpCommand
from skua_http.accounts.schemas import LoginRequest, LoginResponse, StepUpRequest, UserResponse
from skua_http.authentication import (
    CredentialsAmbiguous,
    SignedInRequest,
    authenticate,
    caller_of,
    person_needed,
    sign_in_needed,
)
from skua_http.cookies import device_cookie, no_session_cookie, session_cookie
from skua_http.injection import inject
from skua_http.openapi import BY_PERSON, SIGNED_IN, problems

FORGET = {"Clear-Site-Data": '"cache", "storage"'}
"""The cookie is taken back by itself: "cookies" would take the device's along."""


@post(
    "/api/auth/login",
    status_code=HTTPStatus.OK,
    summary="Sign in",
    responses=problems(
        EmailInvalid,
        InvalidCredentials,
        SecondFactorRequired,
        PasswordCheckBusy,
        public=True,
        body=True,
    ),
)
@inject
async def log_in(
    request: Request[Any, Any, Any], data: JSONBody[LoginRequest], use_case: FromDishka[Login]
) -> Response[LoginResponse]:
    """Begins a session, whose cookie comes with the answer.

    A wrong password, an address without an account, one that was never verified and a disabled
    account are answered alike.
    """
    logged_in = await use_case(
        LoginCommand(
            email=data.email,
            password=Secret(data.password),
            totp=data.totp,
            caller=caller_of(request),
        )
    )
    cookies = [session_cookie(logged_in.token)]
    if logged_in.device_token is not None:
        cookies.append(device_cookie(logged_in.device_token))
    answer = LoginResponse(user=UserResponse.of(logged_in.signed_in))
    return Response(answer, cookies=cookies)


@post(
    "/api/auth/logout",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Sign out",
    security=BY_PERSON,
    responses=problems(CredentialsAmbiguous, KeyNotAllowed, public=True),
)
@inject
async def log_out(request: Request[Any, Any, Any], use_case: FromDishka[Logout]) -> Response[None]:
    """Ends this session at once. So is answered too when it was over already."""
    with contextlib.suppress(NotSignedIn):
        signed_in = await authenticate(request)
        signed_in.as_person()
        await use_case(LogoutCommand(signed_in=signed_in))
    return Response(None, cookies=[no_session_cookie()], headers=FORGET)


@get(
    "/api/auth/me",
    guards=[sign_in_needed],
    summary="Who am I?",
    security=SIGNED_IN,
    responses=problems(safe=True),
)
async def who_am_i(request: SignedInRequest) -> UserResponse:
    """The user whose session or key it is."""
    return UserResponse.of(request.user)


@post(
    "/api/auth/step-up",
    guards=[sign_in_needed, person_needed],
    status_code=HTTPStatus.NO_CONTENT,
    summary="Enter the password again",
    security=BY_PERSON,
    responses=problems(InvalidCredentials, SecondFactorRequired, PasswordCheckBusy, body=True),
)
@inject
async def step_up(
    request: SignedInRequest, data: JSONBody[StepUpRequest], use_case: FromDishka[StepUp]
) -> None:
    """Opens what takes a password for the next 15 minutes of this session."""
    await use_case(
        StepUpCommand(
            signed_in=request.user,
            password=Secret(data.password),
            totp=data.totp,
            caller=caller_of(request),
        )
    )
