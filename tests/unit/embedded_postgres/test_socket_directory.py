"""The socket's path fits the kernel, the server's settings and the drivers' URLs."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_adapters.embedded_postgres.account import ServerAccount
from skua_adapters.embedded_postgres.errors import DirectoryNotUsable
from skua_adapters.embedded_postgres.socket_directory import (
    make_socket_directory,
    socket_directory,
)

OURSELVES = ServerAccount(uid=None)
NAMES = st.lists(
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1),
    min_size=1,
)


def test_a_short_path_holds_its_own_socket() -> None:
    assert socket_directory(Path("/var/lib/skua/pg")) == Path("/var/lib/skua/pg/run")


@pytest.mark.parametrize("name", ["x" * 100, "comma,comma", "a b", "möwe", 'quote"'])
def test_a_path_that_is_long_or_needs_quoting_gets_a_short_one(name: str) -> None:
    path = socket_directory(Path("/srv", name))

    assert re.fullmatch(r"skua-[0-9a-f]{16}", path.name)
    assert len(path.parts) == 3


@given(NAMES)
def test_every_socket_path_fits_and_needs_no_quoting(names: list[str]) -> None:
    path = f"{socket_directory(Path('/', *names))}/.s.PGSQL.5432.lock"

    assert len(os.fsencode(path)) < 104 + len(".lock")
    assert re.fullmatch(r"[A-Za-z0-9/._+-]+", path)


def test_two_long_paths_do_not_share_a_socket() -> None:
    first, second = (socket_directory(Path("/srv", "x" * 100, last)) for last in "ab")

    assert first != second


def test_a_new_one_is_private_and_empty(tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.mkdir(mode=0o755)
    (path / ".s.PGSQL.5432.lock").write_text("1\n")

    make_socket_directory(path, OURSELVES)

    assert path.stat().st_mode & 0o777 == 0o700
    assert list(path.iterdir()) == []


def test_a_link_that_somebody_put_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "kept").touch()
    (tmp_path / "run").symlink_to(tmp_path / "theirs")

    with pytest.raises(DirectoryNotUsable, match="somebody else made it"):
        make_socket_directory(tmp_path / "run", OURSELVES)

    assert (tmp_path / "theirs" / "kept").exists()
