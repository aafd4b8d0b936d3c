"""The cluster's data: made once, whole or not at all."""

import shutil
import sys
import tempfile
from pathlib import Path

from skua_adapters.embedded_postgres.account import ServerAccount
from skua_adapters.embedded_postgres.binaries import Binaries
from skua_adapters.embedded_postgres.errors import (
    AccountWithoutName,
    DataDirectoryBroken,
    DirectoryNotUsable,
)
from skua_adapters.embedded_postgres.passwords import sync_folder
from skua_adapters.embedded_postgres.server_log import ServerLog, explain
from skua_adapters.embedded_postgres.server_process import run

SUPERUSER = "skua_superuser"
_BUILTIN_LOCALES_SINCE = 17
_UNFINISHED = "initdb-"
# Character classes decide what a word is to pg_trgm and citext; macOS knows no C.UTF-8.
_CHARACTER_TYPE = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"


class DataDirectory:
    def __init__(self, path: Path, account: ServerAccount, log: ServerLog) -> None:
        self._path = path
        self._account = account
        self._log = log

    def ensure(self, binaries: Binaries, password: str, *, durable: bool) -> None:
        """Make the cluster unless it is there; ``password`` becomes the superuser's.

        initdb works in a folder beside it that is renamed at the end, so that one who is
        interrupted leaves no half of a cluster, which would look like a whole.
        """
        beside = self._path.parent
        for unfinished in beside.glob(f"{_UNFINISHED}*"):
            _remove(unfinished)
        if self._is_there():
            return
        if not self._account.has_name:
            raise AccountWithoutName(self._account.effective_uid)
        unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=beside))
        try:
            self._account.own(unfinished)
            self._initdb(unfinished, binaries, password, durable=durable)
            unfinished.rename(self._path)
        except BaseException:
            _remove(unfinished)
            raise
        if durable:
            sync_folder(beside)

    def check(self) -> None:
        """Raises DataDirectoryBroken and DirectoryNotUsable for one that can't be served."""
        if not self._is_there():
            return
        owner = self._path.stat().st_uid
        if owner != self._account.effective_uid:
            raise DirectoryNotUsable(
                self._path,
                f"it belongs to uid {owner}, and the server would run as uid "
                f"{self._account.effective_uid}",
            )
        for part in ("PG_VERSION", "global/pg_control"):
            if not (self._path / part).is_file():
                raise DataDirectoryBroken(self._path, f"{part} is missing")

    def _is_there(self) -> bool:
        return self._path.exists() and any(self._path.iterdir())

    def _initdb(self, data: Path, binaries: Binaries, password: str, *, durable: bool) -> None:
        command: list[str | Path] = [
            *(binaries.folder / "initdb", "--pgdata", data, "--username", SUPERUSER),
            *("--encoding", "UTF8", "--locale", "C", "--lc-ctype", _CHARACTER_TYPE),
            *("--auth", "scram-sha-256", "--data-checksums"),
        ]
        if binaries.major >= _BUILTIN_LOCALES_SINCE:
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if not durable:
            command.append("--no-sync")
        with (
            tempfile.NamedTemporaryFile("w", dir=data.parent, prefix=_UNFINISHED) as secret,
            self._log.open() as output,
        ):
            secret.write(password)
            secret.flush()
            self._account.own(Path(secret.name))
            command += ["--pwfile", secret.name]
            code = run(command, uid=self._account.uid, log=output)
        if code != 0:
            raise explain(self._log, self._path, f"initdb ended with code {code}")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
