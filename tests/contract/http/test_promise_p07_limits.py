"""Login, registration and resets are limited per address and per account, before any hash."""

from collections import Counter
from collections.abc import Iterator

import pytest
from dishka import Provider, Scope

from skua_adapters.password_hasher.fake import FakePasswordHasher
from skua_core.domain.account import PasswordHash
from skua_core.domain.secret import Secret
from skua_core.ports.password_hasher import PasswordHasher, Verification
from skua_http.cookies import DEVICE_COOKIE, SESSION_COOKIE
from tests.contract.http.conftest import a_house, settings_for
from tests.contract.http.house import PASSWORD, Browser, House, Person
from tests.postgres_cluster import Database
from tests.unit.http.client import Answer, Client

WRONG = "not the heron at all"


def from_address(house: House, address: str) -> Browser:
    return Browser(Client(house.app, peer=address))


def addresses(pattern: str, how_many: int) -> Iterator[str]:
    return (pattern.format(number) for number in range(1, how_many + 1))


async def fail(house: House, email: str, address: str, **headers: str) -> Answer:
    body = {"email": email, "password": WRONG}
    browser = from_address(house, address)
    return await browser.call("POST", "/api/auth/login", body, **headers)


def statuses(answers: list[Answer]) -> Counter[int]:
    return Counter(int(answer.status) for answer in answers)


async def test_one_account_takes_five_wrong_passwords_from_everywhere_together(
    house: House,
) -> None:
    person = await house.member()

    answers = [await fail(house, person.email, each) for each in addresses("198.51.100.{}", 8)]

    assert statuses(answers) == {401: 5, 429: 3}
    assert int(answers[-1].header("retry-after") or 0) > 0


async def test_one_address_takes_ten_wrong_passwords_for_all_accounts_together(
    house: House,
) -> None:
    answers = [await fail(house, f"u{each}@example.net", "192.0.2.77") for each in range(14)]

    assert statuses(answers) == {401: 10, 429: 4}


async def test_the_owner_on_a_known_device_is_never_locked_out(house: House) -> None:
    person = await house.signed_in()
    await person.browser.post("/api/auth/logout")
    for each in addresses("198.51.101.{}", 8):
        await fail(house, person.email, each)

    on_a_new_device = await person.log_in(house.browser())
    on_the_known_one = await person.log_in()

    assert DEVICE_COOKIE in person.browser.cookies
    assert (on_a_new_device.status, on_the_known_one.status) == (429, 200)


async def test_a_device_of_somebody_else_is_none(house: House) -> None:
    victim, attacker = await house.member(), await house.signed_in()
    device = attacker.browser.cookies[DEVICE_COOKIE]

    answers = [
        await fail(house, victim.email, each, cookie=f"{DEVICE_COOKIE}={device}")
        for each in addresses("198.51.102.{}", 8)
    ]

    assert statuses(answers) == {401: 5, 429: 3}


async def test_a_known_device_has_ten_tries_itself(house: House) -> None:
    person = await house.signed_in()
    cookie = f"{DEVICE_COOKIE}={person.browser.cookies[DEVICE_COOKIE]}"

    answers = [
        await fail(house, person.email, each, cookie=cookie)
        for each in addresses("198.51.103.{}", 13)
    ]

    assert statuses(answers) == {401: 10, 429: 3}


async def test_ones_own_success_gives_nobody_more_tries(house: House) -> None:
    victim, attacker = await house.member(), await house.member()
    failures: list[Answer] = []

    for _ in range(3):
        failures += [await fail(house, victim.email, "192.0.2.78") for _ in range(3)]
        await attacker.log_in(from_address(house, "192.0.2.78"))

    assert statuses(failures) == {401: 5, 429: 4}


async def test_a_network_of_ipv6_is_one_address(house: House) -> None:
    in_one = [
        await fail(house, f"a{number}@example.net", address)
        for number, address in enumerate(addresses("2001:db8:1:1::{:x}", 14))
    ]
    mapped = [
        await fail(house, f"b{number}@example.net", f"{form}192.0.2.79")
        for number, form in enumerate(["", "::ffff:"] * 7)
    ]

    assert statuses(in_one) == statuses(mapped) == {401: 10, 429: 4}


async def test_where_a_request_comes_from_is_what_a_trusted_proxy_says(house: House) -> None:
    claimed = [
        await fail(house, f"c{number}@example.net", "192.0.2.80", x_forwarded_for=address)
        for number, address in enumerate(addresses("203.0.113.{}", 14))
    ]
    proxied = [
        await fail(
            house, f"d{number}@example.net", "127.0.0.1", x_forwarded_for=f"{address}, 192.0.2.81"
        )
        for number, address in enumerate(addresses("203.0.113.{}", 14))
    ]
    apart = [
        await fail(house, f"e{number}@example.net", "127.0.0.1", x_forwarded_for=address)
        for number, address in enumerate(addresses("203.0.113.{}", 14))
    ]

    assert statuses(claimed) == statuses(proxied) == {401: 10, 429: 4}
    assert statuses(apart) == {401: 14}


async def test_registering_is_limited_per_address_and_mails_per_account(house: House) -> None:
    one_address = from_address(house, "192.0.2.82")
    body = {"email": "", "password": PASSWORD}

    from_one = [
        await one_address.post("/api/auth/register", {**body, "email": f"f{each}@example.net"})
        for each in range(7)
    ]
    to_one = [
        await house.browser().post("/api/auth/register", {**body, "email": "g@example.net"})
        for _ in range(5)
    ]
    resets = [
        await house.browser().post("/api/auth/password/forgot", {"email": "h@example.net"})
        for _ in range(5)
    ]

    assert statuses(from_one) == {202: 5, 429: 2}
    assert statuses(to_one) == statuses(resets) == {202: 3, 429: 2}


async def test_resending_and_trying_codes_are_limited(house: House) -> None:
    person = house.stranger()
    registration_id = await house.register(person)
    resend = {"registration_id": registration_id}

    resent = [await house.browser().post("/api/auth/resend", resend) for _ in range(4)]
    tries = [
        await house.browser().post("/api/auth/verify", {**resend, "code": "00000000"})
        for _ in range(12)
    ]
    of_one_address = from_address(house, "192.0.2.83")
    blind = [
        await of_one_address.post(
            "/api/auth/verify", {"registration_id": f"{each:022d}", "code": "00000000"}
        )
        for each in range(22)
    ]

    assert statuses(resent) == {202: 2, 429: 2}
    assert statuses(tries) == {400: 10, 429: 2}
    assert statuses(blind) == {400: 20, 429: 2}


class CountingHasher(FakePasswordHasher):
    def __init__(self) -> None:
        super().__init__()
        self.looks = 0

    async def verify(self, password: Secret, hashed: PasswordHash | None) -> Verification:
        self.looks += 1
        return await super().verify(password, hashed)


async def test_past_the_limit_no_password_is_looked_at(migrated_database: Database) -> None:
    hasher = CountingHasher()
    counting = Provider(scope=Scope.APP)
    counting.provide(lambda: hasher, provides=PasswordHasher)

    settings = settings_for(migrated_database)
    async with a_house(migrated_database, settings, more=(counting,)) as house:
        person = await house.member()
        looks = hasher.looks
        answers = [await fail(house, person.email, each) for each in addresses("198.51.104.{}", 9)]

    assert statuses(answers) == {401: 5, 429: 4}
    assert hasher.looks - looks == 5


@pytest.mark.parametrize("path", ["step-up", "password"])
async def test_a_stolen_session_is_no_way_to_try_passwords(house: House, path: str) -> None:
    person = await house.signed_in()
    method = "POST" if path == "step-up" else "PUT"
    body = (
        {"password": WRONG}
        if path == "step-up"
        else {"current_password": WRONG, "new_password": "three cranes over a wet field"}
    )

    answers = [await person.browser.call(method, f"/api/auth/{path}", body) for _ in range(30)]

    assert statuses(answers)[401] <= 10
    assert statuses(answers)[429] >= 20
    assert SESSION_COOKIE in person.browser.cookies


async def test_the_account_of_a_limited_person_is_as_unknown_as_any(house: House) -> None:
    person = await house.member()
    for each in addresses("198.51.105.{}", 6):
        known = await fail(house, person.email, each)
    for each in addresses("198.51.106.{}", 6):
        unknown = await fail(house, "never@example.org", each)

    right = await Person(person.email, house.browser()).log_in()

    assert known.body == unknown.body
    assert right.status == 429
