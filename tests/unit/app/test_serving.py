"""What several processes of one server may allow together."""

import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_adapters.password_hasher.bcrypt import BcryptPasswordHasher
from skua_app.container import make_container
from skua_app.serving import Door
from skua_app.serving_process import ShareProvider, share_of
from skua_app.settings import load
from skua_app.tls_files import TlsFiles
from skua_core.domain.limits import Bucket, Limits
from skua_core.ports.password_hasher import PasswordHasher


def test_one_process_may_allow_everything() -> None:
    assert share_of(Limits(), 1) == Limits()


@given(st.integers(1, 20), st.integers(1, 1000), st.floats(0.001, 100_000))
def test_all_processes_together_keep_a_limit(processes: int, burst: int, seconds: float) -> None:
    whole = Bucket("register-ip", burst, seconds)

    share = share_of(Limits(register_ip=whole), processes).register_ip

    assert share.name == whole.name
    assert share.burst >= 1
    # One permit each is the least there is.
    assert share.burst * processes <= max(whole.burst, processes)
    assert processes / share.seconds == pytest.approx(1 / whole.seconds)


def test_a_session_s_calls_which_come_over_one_connection_are_not_cut() -> None:
    shares = msgspec.structs.asdict(share_of(Limits(), 4))
    whole = msgspec.structs.asdict(Limits())

    assert [name for name in whole if shares[name] == whole[name]] == ["api_session"]


@pytest.mark.parametrize(("processes", "threads"), [(1, 8), (3, 2), (8, 1), (100, 1)])
async def test_processes_share_the_processors_for_hashing(
    monkeypatch: pytest.MonkeyPatch, processes: int, threads: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    container = make_container(load({}), more=(ShareProvider(processes),))

    hasher = await container.get(PasswordHasher)

    assert isinstance(hasher, BcryptPasswordHasher)
    assert hasher._pool._threads == threads
    await container.close()


@pytest.mark.parametrize(
    ("ip", "tls", "url"),
    [
        ("127.0.0.1", False, "http://127.0.0.1:8443"),
        ("127.0.0.1", True, "https://127.0.0.1:8443"),
        ("::1", True, "https://[::1]:8443"),
    ],
)
def test_a_door_says_where_it_is(ip: str, url: str, *, tls: bool) -> None:
    files = TlsFiles(certificate=Path("skua.crt"), key=Path("skua.key")) if tls else None

    assert Door(ip=ip, port=8443, tls=files).url == url
