"""Sessions: where one is signed in, and ending that."""

from http import HTTPStatus

from dishka import FromDishka
from litestar import delete, get
from litestar.params import FromPath

from skua_core.errors import ItemNotFound
from skua_core.use_cases.accounts.sessions import (
    EndOtherSessions,
    EndOtherSessionsCommand,
    EndSession,
    EndSessionCommand,
    ListSessions,
    ListSessionsQuery,
)
from skua_http.accounts.schemas import SessionResponse, SessionsResponse
from skua_http.authentication import SignedInRequest, person_needed, sign_in_needed
from skua_http.bodies import PAGE, Cursor, Limit, page_of
from skua_http.injection import inject
from skua_http.openapi import BY_PERSON, problems


@get(
    "/api/auth/sessions",
    guards=[sign_in_needed, person_needed],
    summary="List your sessions",
    security=BY_PERSON,
    responses=problems(safe=True),
)
@inject
async def list_sessions(
    request: SignedInRequest,
    use_case: FromDishka[ListSessions],
    limit: Limit = PAGE,
    cursor: Cursor = None,
) -> SessionsResponse:
    """Those that are live, this one among them."""
    current = request.user.as_person().id
    sessions = await use_case(ListSessionsQuery(signed_in=request.user))
    shown, next_cursor = page_of(sessions, limit=limit, cursor=cursor)
    items = [SessionResponse.of(session, current) for session in shown]
    return SessionsResponse(items=items, next_cursor=next_cursor)


@delete(
    "/api/auth/sessions/{session_id:str}",
    guards=[sign_in_needed, person_needed],
    status_code=HTTPStatus.NO_CONTENT,
    summary="End a session",
    security=BY_PERSON,
    responses=problems(ItemNotFound),
)
@inject
async def end_session(
    request: SignedInRequest, session_id: FromPath[str], use_case: FromDishka[EndSession]
) -> None:
    """From this moment on its cookie is worth nothing."""
    await use_case(EndSessionCommand(signed_in=request.user, session_id=session_id))


@delete(
    "/api/auth/sessions",
    guards=[sign_in_needed, person_needed],
    status_code=HTTPStatus.NO_CONTENT,
    summary="End all other sessions",
    security=BY_PERSON,
    responses=problems(),
)
@inject
async def end_other_sessions(
    request: SignedInRequest, use_case: FromDishka[EndOtherSessions]
) -> None:
    """All but this one."""
    await use_case(EndOtherSessionsCommand(signed_in=request.user))
