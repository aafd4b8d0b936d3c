"""Role passwords are random, kept, and private."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from skua_adapters.embedded_postgres.passwords import RolePasswords


def test_a_role_keeps_its_password(tmp_path: Path) -> None:
    first = RolePasswords(tmp_path / "passwords").of("skua_app")

    assert RolePasswords(tmp_path / "passwords").of("skua_app") == first


def test_each_role_and_each_cluster_has_its_own(tmp_path: Path) -> None:
    here, there = RolePasswords(tmp_path / "here"), RolePasswords(tmp_path / "there")

    passwords = {here.of("skua_app"), here.of("skua_owner"), there.of("skua_app")}

    assert len(passwords) == 3
    assert min(len(password) for password in passwords) >= 32


def test_only_the_owner_reads_a_password(tmp_path: Path) -> None:
    RolePasswords(tmp_path / "passwords").of("skua_app")

    modes = [path.stat().st_mode & 0o777 for path in (tmp_path / "passwords").iterdir()]

    assert modes == [0o600]
    assert (tmp_path / "passwords").stat().st_mode & 0o777 == 0o700


def test_all_who_ask_at_once_hear_the_same(tmp_path: Path) -> None:
    stores = [RolePasswords(tmp_path / "passwords") for _ in range(8)]

    for role in (f"role_{number}" for number in range(30)):
        with ThreadPoolExecutor(len(stores)) as pool:
            heard = set(pool.map(lambda store, role=role: store.of(role), stores))
        assert len(heard) == 1


@pytest.mark.parametrize("role", ["", "../escape", "Skua", "a b", "a" * 64, "a'--", "a\n"])
def test_what_is_no_plain_role_name_is_refused(tmp_path: Path, role: str) -> None:
    with pytest.raises(ValueError, match="not the plain name"):
        RolePasswords(tmp_path / "passwords").of(role)

    assert list(tmp_path.iterdir()) == []
