"""Which folders the server's account can pass, and which it is let into."""

import os
from pathlib import Path

import pytest

from skua_adapters.embedded_postgres.account import ServerAccount
from skua_adapters.embedded_postgres.errors import DirectoryNotUsable

SOMEBODY_ELSE = ServerAccount(uid=os.geteuid() + 54321)
OURSELVES = ServerAccount(uid=None)


@pytest.fixture
def open_path(tmp_path: Path) -> Path:
    """A folder that everybody may pass through; pytest's own are closed."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and not folder.stat().st_mode & 0o001:
            folder.chmod(0o711)
    return tmp_path


def test_the_first_closed_folder_is_the_barrier(open_path: Path) -> None:
    closed = open_path / "closed"
    (closed / "inner").mkdir(parents=True)
    closed.chmod(0o700)

    assert SOMEBODY_ELSE.barrier(closed / "inner") == closed
    assert SOMEBODY_ELSE.barrier(open_path) is None
    assert OURSELVES.barrier(closed / "inner") is None


def test_a_closed_parent_is_named_and_stays_closed(open_path: Path) -> None:
    closed = open_path / "home"
    closed.mkdir(mode=0o700)

    with pytest.raises(DirectoryNotUsable, match=f"may not enter {closed} "):
        SOMEBODY_ELSE.open_directory(closed / "skua" / "postgres")

    assert closed.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_our_own_is_private(tmp_path: Path) -> None:
    OURSELVES.open_directory(tmp_path / "a" / "b")

    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder to another group")
def test_root_lets_the_account_through_its_folder_and_nobody_else(open_path: Path) -> None:
    folder = open_path / "skua"
    folder.mkdir(mode=0o700)

    SOMEBODY_ELSE.open_directory(folder)

    assert folder.stat().st_mode & 0o777 == 0o710
    assert folder.stat().st_gid == SOMEBODY_ELSE.uid
