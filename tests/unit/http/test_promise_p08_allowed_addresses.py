"""P08: with WEB_ALLOWED_IPS nobody else gets in, however they come; a bad entry stops the start."""

import pytest

from skua_app.settings import SettingInvalid, load
from skua_http.allowed_ips import AddressNotAllowed, AllowedAddresses
from skua_http.app import create_app
from skua_http.client_address import ClientAddress
from skua_http.cors import Cors
from skua_http.doors import Doors
from skua_http.networks import parse_networks, parse_proxies
from skua_http.problems import PROBLEM_JSON
from skua_http.same_origin import SameOrigin
from skua_http.security_headers import SECURITY_HEADERS
from skua_http.settings import HttpSettings
from tests.unit.http.client import Client
from tests.unit.http.place import Place
from tests.unit.http.plain import Inside, a_scope, ask

pytestmark = pytest.mark.promise("P08")

APP = "https://app.skua.example"


def doors(inside: Inside, networks: str | None, *, proxies: str | None = None) -> Doors:
    return Doors(
        inside,
        client_address=ClientAddress(() if proxies is None else parse_proxies(proxies)),
        allowed_addresses=AllowedAddresses(None if networks is None else parse_networks(networks)),
        same_origin=SameOrigin("https://skua.example", [APP]),
        cors=Cors([APP]),
    )


def lets_in(networks: str, address: str | None, path: str = "/api/auth/me") -> bool:
    try:
        AllowedAddresses(parse_networks(networks)).check(path, address)
    except AddressNotAllowed:
        return False
    return True


@pytest.mark.parametrize(
    ("networks", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.0/24", "203.0.113.255"),
        ("10.0.0.0/8, 203.0.113.0/24", "203.0.113.7"),
        ("10.0.0.0/8", "::ffff:10.0.0.5"),
        ("::ffff:10.0.0.0/104", "10.0.0.5"),
        ("::ffff:10.0.0.5", "10.0.0.5"),
        ("2001:db8::/32", "2001:db8:1::5"),
        ("2001:DB8::5", "2001:db8:0::5"),
        ("fe80::/10", "fe80::1%eth0"),
        ("0.0.0.0/0", "203.0.113.7"),
        ("::/0", "2001:db8::5"),
    ],
)
def test_whoever_is_in_the_list_gets_in(networks: str, address: str) -> None:
    assert lets_in(networks, address)


@pytest.mark.parametrize(
    ("networks", "address"),
    [
        ("203.0.113.7", "203.0.113.8"),
        ("203.0.113.0/25", "203.0.113.128"),
        ("10.0.0.0/8", "::ffff:11.0.0.5"),
        ("10.0.0.0/8", "::10.0.0.5"),
        ("::ffff:10.0.0.0/104", "11.0.0.5"),
        ("2001:db8::/32", "2001:db9::5"),
        ("::/0", "203.0.113.7"),
        ("0.0.0.0/0", "2001:db8::5"),
        ("0.0.0.0/0", None),
        ("0.0.0.0/0", "unknown"),
    ],
)
def test_whoever_is_not_does_not(networks: str, address: str | None) -> None:
    assert not lets_in(networks, address)


@pytest.mark.parametrize(
    "path", ["/healthz", "/webhooks/telegram/a/b", "/webhooks/stripe", "/webhooks/"]
)
def test_telegram_stripe_and_health_checks_come_from_anywhere(path: str) -> None:
    assert lets_in("10.0.0.0/8", "203.0.113.7", path)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/readyz",
        "/healthz/",
        "/healthz2",
        "//webhooks/stripe",
        "/webhooks",
        "/webhooksome/a",
        "/Webhooks/telegram/a",
        "/api/webhooks/telegram",
        "/api/healthz",
        "",
    ],
)
def test_nothing_else_is_open(path: str) -> None:
    assert not lets_in("10.0.0.0/8", "203.0.113.7", path)


async def test_a_refusal_is_a_problem_and_nothing_is_done() -> None:
    inside = Inside()

    answer = await ask(doors(inside, "10.0.0.0/8"), a_scope())

    assert (answer.status, answer.header("content-type")) == (403, PROBLEM_JSON)
    assert answer.json["code"] == "address-not-allowed"
    assert inside.seen == []


async def test_every_refusal_is_the_same() -> None:
    """Whoever isn't in the list can't ask what there is, or which origins may do what."""
    preflight = {"origin": APP, "access-control-request-method": "POST"}
    scopes = [
        a_scope(),
        a_scope(path="/nothing/here"),
        a_scope("POST", "/api/auth/login", {"origin": "https://evil.example"}),
        a_scope("POST", "/api/auth/login", {"content-type": "text/plain"}),
        a_scope("OPTIONS", "/api/auth/login", preflight),
        a_scope("GET", "/api/auth/me", {"origin": APP}),
    ]

    answers = {await ask(doors(Inside(), "10.0.0.0/8"), scope) for scope in scopes}

    assert len(answers) == 1


@pytest.mark.parametrize("claimed", ["10.0.0.5", "10.0.0.5, 10.0.0.6", "127.0.0.1"])
async def test_claiming_to_come_from_elsewhere_does_not_help(claimed: str) -> None:
    answer = await ask(
        doors(Inside(), "10.0.0.0/8, 127.0.0.0/8"), a_scope(headers={"x-forwarded-for": claimed})
    )

    assert answer.status == 403


async def test_behind_a_proxy_it_is_the_client_s_address_that_counts() -> None:
    app = doors(Inside(), "198.51.100.0/24", proxies="10.0.0.1")

    good = a_scope(headers={"x-forwarded-for": "198.51.100.1"}, peer="10.0.0.1")
    bad = a_scope(headers={"x-forwarded-for": "198.51.100.1, 203.0.113.7"}, peer="10.0.0.1")

    assert (await ask(app, good)).status == 200
    assert (await ask(app, bad)).status == 403


@pytest.fixture
def listed(place: Place) -> Client:
    """The whole application, asked from an address that isn't in the list."""
    settings = HttpSettings(allowed_networks=parse_networks("10.0.0.0/8"))
    return Client(create_app(place.app.state["container"], settings))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", b"/api/auth/me"),
        ("GET", b"//api/auth/me"),
        ("POST", b"/api/auth/login"),
        ("GET", b"/api/openapi.json"),
        ("GET", b"/readyz"),
        ("GET", b"/problems/address-not-allowed"),
        ("GET", b"/no/such/thing"),
        ("DELETE", b"/api/auth/me"),
        ("HEAD", b"/api/auth/me"),
        ("BREW", b"/"),
        ("GET", b"/healthz/../readyz"),
        ("GET", b"/healthz/x"),
    ],
)
async def test_the_application_tells_a_stranger_nothing(
    listed: Client, method: str, path: bytes
) -> None:
    answer = await listed.call(method, path)

    assert answer.status == 403
    assert set(SECURITY_HEADERS) <= set(answer.headers)


async def test_from_what_is_open_no_dots_lead_to_the_rest(listed: Client) -> None:
    assert (await listed.get(b"/webhooks/../readyz")).status == 404


async def test_the_application_says_to_all_that_it_lives(listed: Client) -> None:
    assert (await listed.get(b"/healthz")).status == 200


async def test_telegram_s_updates_come_in_from_anywhere(place: Place, listed: Client) -> None:
    bot = await place.add_bot()
    path, secret = place.webhook()

    answer = await listed.deliver(path, secret, place.a_message())

    assert (answer.status, place.updates(bot)) == (200, 1)


async def test_without_a_list_everybody_may_come() -> None:
    assert (await ask(doors(Inside(), None), a_scope(peer=None))).status == 200


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("10.0.0.1/8", "10.0.0.1/8 names one address of a network: write 10.0.0.0/8 for all, or"),
        ("2001:db8::1/32", "write 2001:db8::/32 for all, or 2001:db8::1"),
        ("::ffff:10.0.0.1/104", "write 10.0.0.0/8 for all, or 10.0.0.1"),
        (",", "there is a comma too many"),
        ("10.0.0.0/8,", "there is a comma too many"),
        ("10.0.0.0/8, ,192.0.2.1", "there is a comma too many"),
        ("*", "'*' is neither an address nor a network"),
        ("10.0.0.0/8 192.0.2.1", "is neither an address nor a network"),
        ("10", "'10' is neither"),
        ("10.0.0.0/33", "'10.0.0.0/33' is neither"),
        ("10.0.0.0/255.0.0.0", "is neither"),
        ("10.0.0.0/0.0.0.255", "is neither"),
        ("10.0.0.0/", "is neither"),
        ("010.0.0.1", "is neither"),
        ("fe80::1%eth0", "is neither"),
        ("office.example", "'office.example' is neither"),
    ],
)
def test_a_bad_entry_stops_the_start_with_one_line(text: str, says: str) -> None:
    with pytest.raises(SettingInvalid) as caught:
        load({"WEB_ALLOWED_IPS": f" {text} "})

    assert str(caught.value).startswith("WEB_ALLOWED_IPS: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_list_with_spaces_and_both_versions_is_read() -> None:
    settings = load({"WEB_ALLOWED_IPS": " 10.0.0.0/8 ,2001:db8::/32,192.0.2.1 "})

    assert settings.web_allowed_ips is not None
    assert [str(network) for network in settings.web_allowed_ips] == [
        "10.0.0.0/8",
        "2001:db8::/32",
        "192.0.2.1/32",
    ]


def test_an_empty_list_is_none_like_any_empty_setting() -> None:
    assert load({"WEB_ALLOWED_IPS": " "}).web_allowed_ips is None
