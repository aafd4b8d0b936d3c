"""API keys, by which programs ask in their user's name."""

from http import HTTPStatus

from dishka import FromDishka
from litestar import delete, get, post
from litestar.params import FromPath, JSONBody

from skua_core.errors import (
    BotForbidden,
    ExpiryInvalid,
    ItemNotFound,
    NameInvalid,
    StepUpRequired,
)
from skua_core.use_cases.accounts.api_keys import (
    CreateApiKey,
    CreateApiKeyCommand,
    ListApiKeys,
    ListApiKeysQuery,
    RemoveApiKey,
    RemoveApiKeyCommand,
)
from skua_http.accounts.schemas import (
    ApiKeyResponse,
    ApiKeysResponse,
    CreateApiKeyRequest,
    CreatedApiKeyResponse,
)
from skua_http.authentication import SignedInRequest, person_needed, sign_in_needed
from skua_http.bodies import PAGE, Cursor, Limit, page_of
from skua_http.injection import inject
from skua_http.openapi import BY_PERSON, problems


@get(
    "/api/auth/api-keys",
    guards=[sign_in_needed, person_needed],
    summary="List your API keys",
    security=BY_PERSON,
    responses=problems(safe=True),
)
@inject
async def list_api_keys(
    request: SignedInRequest,
    use_case: FromDishka[ListApiKeys],
    limit: Limit = PAGE,
    cursor: Cursor = None,
) -> ApiKeysResponse:
    """What they may do and when they were last used; never the keys themselves."""
    keys = await use_case(ListApiKeysQuery(signed_in=request.user))
    shown, next_cursor = page_of(keys, limit=limit, cursor=cursor)
    return ApiKeysResponse(items=[ApiKeyResponse.of(key) for key in shown], next_cursor=next_cursor)


@post(
    "/api/auth/api-keys",
    guards=[sign_in_needed],
    summary="Make an API key",
    security=BY_PERSON,
    responses=problems(BotForbidden, ExpiryInvalid, NameInvalid, StepUpRequired, body=True),
)
@inject
async def create_api_key(
    request: SignedInRequest,
    data: JSONBody[CreateApiKeyRequest],
    use_case: FromDishka[CreateApiKey],
) -> CreatedApiKeyResponse:
    """The key itself is shown this once."""
    created = await use_case(
        CreateApiKeyCommand(
            signed_in=request.user,
            name=data.name,
            access=data.access,
            bots=data.bots,
            expires_at=data.expires_at,
        )
    )
    return CreatedApiKeyResponse.of(created)


@delete(
    "/api/auth/api-keys/{key_id:str}",
    guards=[sign_in_needed, person_needed],
    status_code=HTTPStatus.NO_CONTENT,
    summary="Remove an API key",
    security=BY_PERSON,
    responses=problems(ItemNotFound),
)
@inject
async def remove_api_key(
    request: SignedInRequest, key_id: FromPath[str], use_case: FromDishka[RemoveApiKey]
) -> None:
    """From this moment on it opens nothing."""
    await use_case(RemoveApiKeyCommand(signed_in=request.user, key_id=key_id))
