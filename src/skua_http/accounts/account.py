"""The account as a whole: everything in it, and its end."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

import msgspec
from dishka import FromDishka
from litestar import Response, delete, get

from skua_core.errors import AccountOwnsBots, StepUpRequired
from skua_core.use_cases.accounts.data import (
    AccountExport,
    EraseAccount,
    ExportAccount,
)
from skua_http.accounts.login import FORGET
from skua_http.authentication import SignedInRequest, sign_in_needed
from skua_http.bodies import timestamp
from skua_http.cookies import no_session_cookie
from skua_http.injection import inject
from skua_http.openapi import BY_PERSON, problems


@get(
    "/api/account/export",
    guards=[sign_in_needed],
    summary="Export everything about you",
    security=BY_PERSON,
    responses=problems(StepUpRequired, safe=True),
)
@inject
async def export_account(
    request: SignedInRequest, use_case: FromDishka[ExportAccount]
) -> Response[AccountExport]:
    """One JSON document, without secrets."""
    export = await use_case(request.user)
    headers = {"Content-Disposition": 'attachment; filename="skua-account.json"'}
    return Response(_written(export), headers=headers)


@delete(
    "/api/account",
    guards=[sign_in_needed],
    status_code=HTTPStatus.NO_CONTENT,
    summary="Erase your account",
    security=BY_PERSON,
    responses=problems(AccountOwnsBots, StepUpRequired),
)
@inject
async def erase_account(
    request: SignedInRequest, use_case: FromDishka[EraseAccount]
) -> Response[None]:
    """At once and for good. Bots have to be transferred or deleted before."""
    await use_case(request.user)
    return Response(None, cookies=[no_session_cookie()], headers=FORGET)


def _written(part: Any) -> Any:
    """With times as the interface writes them; msgspec leaves out digits that are zero.

    Raw JSON stays as it is: the hashes of audit entries were made of its very bytes.
    """
    if isinstance(part, datetime):
        return timestamp(part)
    if isinstance(part, msgspec.Struct):
        return {name: _written(value) for name, value in msgspec.structs.asdict(part).items()}
    return [_written(each) for each in part] if isinstance(part, list | tuple) else part
