"""What an operator says of limits, proxies, origins and accounts."""

import pytest

from skua_app.settings import SettingInvalid, load
from skua_core.domain.account import Registration
from skua_core.domain.limits import Bucket, Limits


def test_nothing_said_is_the_table_s_limits_and_nobody_trusted() -> None:
    settings = load({})

    assert settings.limits == Limits()
    assert settings.web_allowed_ips is None
    assert settings.skua_trusted_proxies == ()
    assert settings.skua_allowed_origins == ()
    assert settings.skua_registration is Registration.OPEN
    assert settings.skua_session_absolute_days == 90


@pytest.mark.parametrize(
    ("text", "burst", "seconds"),
    [
        ("20/5s", 20, 5),
        (" 3/5m ", 3, 300),
        ("1/2h", 1, 7200),
        ("120/0.25s", 120, 0.25),
        ("100000/1s", 100_000, 1),
    ],
)
def test_a_limit_is_a_burst_and_how_long_one_takes_to_come_back(
    text: str, burst: int, seconds: float
) -> None:
    limits = load({"SKUA_LIMIT_LOGIN_IP": text, "SKUA_LIMIT_API_SESSION": ""}).limits

    assert limits == Limits(login_ip=Bucket("login-ip", burst, seconds))


def test_each_limit_of_the_table_can_be_set() -> None:
    names = [f"SKUA_LIMIT_{name.upper()}" for name in Limits.__struct_fields__]

    limits = load(dict.fromkeys(names, "7/7s")).limits

    for name in Limits.__struct_fields__:
        assert getattr(limits, name) == Bucket(name.replace("_", "-"), 7, 7)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("SKUA_LIMIT_LOGIN_IP", "20", "'20' is not a limit such as 20/5s"),
        ("SKUA_LIMIT_LOGIN_IP", "20/5", "is not a limit"),
        ("SKUA_LIMIT_LOGIN_IP", "20/5d", "is not a limit"),
        ("SKUA_LIMIT_LOGIN_IP", "20 / 5s", "is not a limit"),
        ("SKUA_LIMIT_LOGIN_IP", "-1/5s", "is not a limit"),
        ("SKUA_LIMIT_LOGIN_IP", "1e9/5s", "is not a limit"),
        ("SKUA_LIMIT_LOGIN_IP", "20/infs", "is not a limit"),
        ("SKUA_LIMIT_LOGIN_IP", "\N{FULLWIDTH DIGIT TWO}0/5s", "is not a limit"),
        ("SKUA_LIMIT_LOGIN_IP", "0/5s", "nobody could ever do it"),
        ("SKUA_LIMIT_LOGIN_IP", "20/0s", "nobody could ever do it"),
        ("SKUA_LIMIT_LOGIN_IP", "9000/1h", "more than a year"),
        ("SKUA_LIMIT_LOGINS", "20/5s", "there is none; known are SKUA_LIMIT_API_SESSION,"),
        ("SKUA_TRUSTED_PROXIES", "*", "'*' would let everybody say where they come from"),
        ("SKUA_TRUSTED_PROXIES", "10.0.0.1,*", "'*' would let everybody"),
        ("SKUA_TRUSTED_PROXIES", "0.0.0.0/0", "0.0.0.0/0 would let everybody"),
        ("SKUA_TRUSTED_PROXIES", "::/0", "::/0 would let everybody"),
        ("SKUA_TRUSTED_PROXIES", "::ffff:0:0/96", "0.0.0.0/0 would let everybody"),
        ("SKUA_TRUSTED_PROXIES", "10.0.0.1/8", "write 10.0.0.0/8 for all, or 10.0.0.1"),
        ("SKUA_TRUSTED_PROXIES", "10.0.0.1,", "a comma too many"),
        ("SKUA_TRUSTED_PROXIES", "nginx", "'nginx' is neither an address nor a network"),
        ("SKUA_ALLOWED_ORIGINS", "*", "'*' is not an origin such as https://app.example"),
        ("SKUA_ALLOWED_ORIGINS", "https://app.example/", "write https://app.example"),
        ("SKUA_REGISTRATION", "maybe", "invalid enum value 'maybe'"),
        ("SKUA_SESSION_ABSOLUTE_DAYS", "0", "expected `int` >= 1"),
        ("SKUA_SESSION_ABSOLUTE_DAYS", "9999999", "expected `int` <= 3650"),
    ],
)
def test_what_cannot_be_used_stops_the_start_with_one_line(name: str, text: str, says: str) -> None:
    with pytest.raises(SettingInvalid) as caught:
        load({name: text})

    assert str(caught.value).startswith(f"{name}: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_proxies_and_origins_are_read() -> None:
    settings = load(
        {
            "SKUA_TRUSTED_PROXIES": "10.0.0.0/8, 2001:db8::1",
            "SKUA_ALLOWED_ORIGINS": "https://app.example, http://localhost:5173",
            "SKUA_REGISTRATION": "invited",
            "SKUA_SESSION_ABSOLUTE_DAYS": "30",
        }
    )

    assert [str(network) for network in settings.skua_trusted_proxies] == [
        "10.0.0.0/8",
        "2001:db8::1/128",
    ]
    assert settings.skua_allowed_origins == ("https://app.example", "http://localhost:5173")
    assert settings.skua_registration is Registration.INVITED
    assert settings.skua_session_absolute_days == 30
