"""The environment becomes settings, or one line that says which variable is wrong and why."""

from pathlib import Path

import pytest

from skua_app.settings import SettingInvalid, default_data_dir, load
from skua_core.domain.lane import LaneTimes
from skua_core.errors import ErrorKind, PublicUrlUnfit
from skua_core.ports.retention import KeptMonths


def test_nothing_need_be_set() -> None:
    settings = load({})

    assert settings.skua_data_dir == default_data_dir()
    assert settings.skua_send_rate == 30
    assert settings.lane_times == LaneTimes()
    assert settings.fault_plan() is None


def test_each_variable_reaches_its_field() -> None:
    settings = load(
        {
            "SKUA_SEND_RATE": "25.5",
            "SKUA_WORKER_LANES": " 7 ",
            "SKUA_DATABASE_POOLED": "yes",
            "SKUA_DATA_DIR": "/srv/skua",
            "SKUA_LANE_HEARTBEAT": "0.4",
            "SKUA_LOG": "json",
            "SKUA_KEEP_DELIVERIES": "6",
            "SKUA_KEEP_UPDATES": "3",
        }
    )

    assert settings.skua_send_rate == 25.5
    assert settings.skua_worker_lanes == 7
    assert settings.skua_database_pooled
    assert settings.skua_data_dir == Path("/srv/skua")
    assert settings.lane_times.heartbeat == 0.4
    assert settings.skua_log == "json"
    assert settings.kept_months == KeptMonths(deliveries=6, updates=3)


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    assert load({"SKUA_SEND_RATE": "", "SKUA_DATABASE_URL": "  "}).skua_database_url is None


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("SKUA_SEND_RATE", "fast", "'fast' is not a number"),
        ("SKUA_SEND_RATE", "-1", "expected `float` > 0.0"),
        ("SKUA_SEND_RATE", "nan", "not a number that can be used"),
        ("SKUA_SEND_RATE_PAID", "inf", "not a number that can be used"),
        ("SKUA_WORKER_LANES", "many", "'many' is not a whole number"),
        ("SKUA_WORKER_LANES", "0", "expected `int` >= 1"),
        ("SKUA_KEEP_DELIVERIES", "0", "expected `int` >= 1"),
        ("SKUA_KEEP_DELIVERIES", "forever", "'forever' is not a whole number"),
        ("SKUA_KEEP_UPDATES", "1", "expected `int` >= 2"),
        ("SKUA_DATABASE_POOLED", "perhaps", "'perhaps' is not yes or no"),
        ("SKUA_LOG", "xml", "invalid enum value 'xml'"),
        ("SKUA_DATABASE_URL", "mysql://skua", "it has to begin with postgresql://"),
        ("SKUA_REDIS_URL", "localhost:6379", "it has to begin with redis://"),
        ("SKUA_REDIS_URL", "redis://:se[cret@redis.example", "it isn't a URL"),
        ("SKUA_REDIS_URL", "redis://redis.example:port", "it isn't a URL"),
        ("SKUA_REDIS_URL", "redis://redis.example/skua", "the number of a database"),
        ("SKUA_TELEGRAM_API_BASE", "http://telegram.example", "it has to begin with https://"),
        ("SKUA_LANE_FENCE", "1", "lane times must rise"),
        ("SKUA_LANE_SWEEP", "0", "longer than zero"),
        ("SKUA_LANE_NAP", "1", "there is none"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_reason(name: str, text: str, says: str) -> None:
    with pytest.raises(SettingInvalid) as caught:
        load({name: text})

    assert str(caught.value).startswith(name.partition("_FENCE")[0].partition("_SWEEP")[0])
    assert says in str(caught.value)
    assert caught.value.kind is ErrorKind.INVALID


@pytest.mark.parametrize(
    "url",
    ["http://skua.example", "https://10.0.0.1", "https://skua.example:9999", "skua.example"],
)
def test_an_address_that_telegram_would_refuse_stops_the_start(url: str) -> None:
    with pytest.raises(PublicUrlUnfit):
        load({"SKUA_PUBLIC_URL": url})


def test_a_telegram_of_ones_own_may_call_this_machine() -> None:
    url = "http://127.0.0.1:8080"

    settings = load({"SKUA_PUBLIC_URL": url, "SKUA_TELEGRAM_API_BASE": "http://127.0.0.1:8081"})

    assert settings.skua_public_url == url


@pytest.mark.parametrize(
    "text",
    ['{"points": {"no.such.point": {"action": "kill"}}}', "kill everything", '{"points": 1}'],
)
def test_faults_that_cannot_be_read_stop_the_start(text: str) -> None:
    with pytest.raises(SettingInvalid, match="SKUA_FAULTS"):
        load({"SKUA_FAULTS": text}).fault_plan()
