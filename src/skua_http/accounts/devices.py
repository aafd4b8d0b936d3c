"""Devices: browsers that have signed in before."""

from http import HTTPStatus

from dishka import FromDishka
from litestar import delete, get
from litestar.params import FromPath

from skua_core.errors import ItemNotFound
from skua_core.use_cases.accounts.devices import (
    ListDevices,
    ListDevicesQuery,
    RevokeDevice,
    RevokeDeviceCommand,
    RevokeDevices,
    RevokeDevicesCommand,
)
from skua_http.accounts.schemas import DeviceResponse, DevicesResponse
from skua_http.authentication import SignedInRequest, person_needed, sign_in_needed
from skua_http.bodies import PAGE, Cursor, Limit, page_of
from skua_http.injection import inject
from skua_http.openapi import BY_PERSON, problems


@get(
    "/api/auth/devices",
    guards=[sign_in_needed, person_needed],
    summary="List known devices",
    security=BY_PERSON,
    responses=problems(safe=True),
)
@inject
async def list_devices(
    request: SignedInRequest,
    use_case: FromDishka[ListDevices],
    limit: Limit = PAGE,
    cursor: Cursor = None,
) -> DevicesResponse:
    """Wrong passwords that others try don't keep these out."""
    devices = await use_case(ListDevicesQuery(signed_in=request.user))
    shown, next_cursor = page_of(devices, limit=limit, cursor=cursor)
    return DevicesResponse(
        items=[DeviceResponse.of(device) for device in shown], next_cursor=next_cursor
    )


@delete(
    "/api/auth/devices/{device_id:str}",
    guards=[sign_in_needed, person_needed],
    status_code=HTTPStatus.NO_CONTENT,
    summary="Forget a device",
    security=BY_PERSON,
    responses=problems(ItemNotFound),
)
@inject
async def revoke_device(
    request: SignedInRequest, device_id: FromPath[str], use_case: FromDishka[RevokeDevice]
) -> None:
    """It is a stranger from now on. Its session, if it has one, goes on."""
    await use_case(RevokeDeviceCommand(signed_in=request.user, device_id=device_id))


@delete(
    "/api/auth/devices",
    guards=[sign_in_needed, person_needed],
    status_code=HTTPStatus.NO_CONTENT,
    summary="Forget all devices",
    security=BY_PERSON,
    responses=problems(),
)
@inject
async def revoke_devices(request: SignedInRequest, use_case: FromDishka[RevokeDevices]) -> None:
    """This one too."""
    await use_case(RevokeDevicesCommand(signed_in=request.user))
