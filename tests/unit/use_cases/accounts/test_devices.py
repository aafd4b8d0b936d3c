"""Looking through known devices, and making them unknown again."""

import pytest

from skua_core.errors import ItemNotFound
from skua_core.use_cases.accounts.devices import (
    ListDevices,
    ListDevicesQuery,
    RevokeDevice,
    RevokeDeviceCommand,
    RevokeDevices,
    RevokeDevicesCommand,
)
from skua_core.use_cases.accounts.login import LoggedIn
from tests.unit.use_cases.accounts.house import House, at

NOBODYS = "01900000-0000-7000-8000-00000000000a"


@pytest.fixture
def house() -> House:
    return House()


async def two_devices(house: House) -> tuple[LoggedIn, LoggedIn]:
    await house.register()
    home = await house.log_in()
    house.wait(minutes=1)
    return home, await house.log_in(caller=at("198.51.100.7"))


async def is_known(house: House, logged_in: LoggedIn) -> bool:
    again = await house.log_in(caller=at(device=logged_in.device_token))
    return again.device_token is None


async def test_devices_are_listed_newest_first(house: House) -> None:
    home, cafe = await two_devices(house)

    listed = await ListDevices(storage=house.storage)(ListDevicesQuery(signed_in=home.signed_in))

    assert [device.id for device in listed] == [
        cafe.signed_in.as_person().device_id,
        home.signed_in.as_person().device_id,
    ]
    assert [device.ip for device in listed] == ["198.51.100.7", "192.0.2.1"]


async def test_a_revoked_device_is_unknown_and_its_session_goes_on(house: House) -> None:
    home, cafe = await two_devices(house)
    device_id = cafe.signed_in.as_person().device_id
    command = RevokeDeviceCommand(signed_in=home.signed_in, device_id=str(device_id))

    await RevokeDevice(storage=house.storage)(command)

    last = (await house.audited(home.signed_in.user.id))[-1]
    assert last.action == "account.device_revoked"
    assert await house.show(cafe.token)
    assert await is_known(house, home)
    assert not await is_known(house, cafe)
    with pytest.raises(ItemNotFound):
        await RevokeDevice(storage=house.storage)(command)


async def test_all_of_them_are_unknown_at_once(house: House) -> None:
    home, cafe = await two_devices(house)
    command = RevokeDevicesCommand(signed_in=home.signed_in)

    await RevokeDevices(storage=house.storage)(command)
    entries = len(await house.audited(home.signed_in.user.id))
    await RevokeDevices(storage=house.storage)(command)

    assert len(await house.audited(home.signed_in.user.id)) == entries
    assert not await is_known(house, home)
    assert not await is_known(house, cafe)


@pytest.mark.parametrize("device_id", ["", "1", NOBODYS, NOBODYS.upper(), "\ud800"])
async def test_there_is_no_such_device(house: House, device_id: str) -> None:
    home, _ = await two_devices(house)

    with pytest.raises(ItemNotFound):
        await RevokeDevice(storage=house.storage)(
            RevokeDeviceCommand(signed_in=home.signed_in, device_id=device_id)
        )


async def test_nobody_revokes_a_device_of_somebody_else(house: House) -> None:
    home, _ = await two_devices(house)
    await house.register("ben@example.org")
    bens = (await house.log_in(email="ben@example.org")).signed_in.as_person()

    with pytest.raises(ItemNotFound):
        await RevokeDevice(storage=house.storage)(
            RevokeDeviceCommand(signed_in=home.signed_in, device_id=str(bens.device_id))
        )
