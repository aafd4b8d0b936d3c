"""The second factor: an authenticator, and recovery codes for when it is lost."""

from http import HTTPStatus

from dishka import FromDishka
from litestar import delete, post
from litestar.params import JSONBody

from skua_core.errors import CodeInvalid, StepUpRequired, TotpStateConflict
from skua_core.use_cases.accounts.second_factor import (
    BeginTotp,
    BeginTotpCommand,
    ConfirmTotp,
    ConfirmTotpCommand,
    NewRecoveryCodes,
    NewRecoveryCodesCommand,
    RemoveTotp,
    RemoveTotpCommand,
)
from skua_http.accounts.schemas import ConfirmTotpRequest, RecoveryCodesResponse, TotpResponse
from skua_http.authentication import SignedInRequest, person_needed, sign_in_needed
from skua_http.injection import inject
from skua_http.openapi import BY_PERSON, problems


@post(
    "/api/auth/totp",
    guards=[sign_in_needed],
    status_code=HTTPStatus.OK,
    summary="Begin a second factor",
    security=BY_PERSON,
    responses=problems(StepUpRequired, TotpStateConflict),
)
@inject
async def begin_totp(request: SignedInRequest, use_case: FromDishka[BeginTotp]) -> TotpResponse:
    """It is asked for at sign-in once a code of it was confirmed."""
    begun = await use_case(BeginTotpCommand(signed_in=request.user))
    return TotpResponse(otpauth_uri=begun.otpauth_uri.reveal(), secret=begun.secret.reveal())


@post(
    "/api/auth/totp/confirm",
    guards=[sign_in_needed, person_needed],
    status_code=HTTPStatus.OK,
    summary="Turn the second factor on",
    security=BY_PERSON,
    responses=problems(CodeInvalid, TotpStateConflict, body=True),
)
@inject
async def confirm_totp(
    request: SignedInRequest,
    data: JSONBody[ConfirmTotpRequest],
    use_case: FromDishka[ConfirmTotp],
) -> RecoveryCodesResponse:
    """Takes a code of the authenticator, and answers with recovery codes."""
    codes = await use_case(ConfirmTotpCommand(signed_in=request.user, code=data.code))
    return RecoveryCodesResponse(recovery_codes=[code.reveal() for code in codes])


@delete(
    "/api/auth/totp",
    guards=[sign_in_needed],
    status_code=HTTPStatus.NO_CONTENT,
    summary="Turn the second factor off",
    security=BY_PERSON,
    responses=problems(StepUpRequired, TotpStateConflict),
)
@inject
async def remove_totp(request: SignedInRequest, use_case: FromDishka[RemoveTotp]) -> None:
    """The recovery codes are worth nothing then."""
    await use_case(RemoveTotpCommand(signed_in=request.user))


@post(
    "/api/auth/totp/recovery-codes",
    guards=[sign_in_needed],
    status_code=HTTPStatus.OK,
    summary="Make new recovery codes",
    security=BY_PERSON,
    responses=problems(StepUpRequired, TotpStateConflict),
)
@inject
async def make_recovery_codes(
    request: SignedInRequest, use_case: FromDishka[NewRecoveryCodes]
) -> RecoveryCodesResponse:
    """The former ones are worth nothing then."""
    codes = await use_case(NewRecoveryCodesCommand(signed_in=request.user))
    return RecoveryCodesResponse(recovery_codes=[code.reveal() for code in codes])
