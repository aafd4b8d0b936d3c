"""The processes that the supervisor starts, tied to its own life."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import IO

_ENVIRONMENT = {"LC_ALL": "C", "PATH": os.defpath}
_INTERRUPTED_SECONDS = 10.0
_LAUNCHER = Path(__file__).with_name("launcher.py")

# Fast shutdown, immediate shutdown, the end; with the seconds each is given.
ESCALATION = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))


def _launch(
    program: Sequence[str | Path], *, uid: int | None, death_signal: signal.Signals, log: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start ``program``, which gets ``death_signal`` when the calling thread ends (on Linux)."""
    who = -1 if uid is None else uid
    return subprocess.Popen(  # noqa: S603 - the arguments are ours
        [
            *(sys.executable, "-I", "-S", _LAUNCHER),
            *(str(os.getpid()), str(int(death_signal)), str(who)),
            *program,
        ],
        env=_ENVIRONMENT,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        # Ctrl-C in the terminal is for us; the server hears of it from us.
        start_new_session=True,
    )


def run(program: Sequence[str | Path], *, uid: int | None, log: IO[bytes]) -> int:
    """The exit code of ``program``, which is ended rather than left when we are interrupted."""
    with _launch(program, uid=uid, death_signal=signal.SIGKILL, log=log) as process:
        try:
            return process.wait()
        except BaseException:
            # The programs it started itself end in order only when it does.
            process.send_signal(signal.SIGINT)
            try:
                process.wait(_INTERRUPTED_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
            raise


class ServerProcess:
    """A running server, owned by a thread that lives exactly as long as it.

    The system sends the death signal when the *thread* that started the server ends, so that
    must be none that a thread pool may retire.
    """

    def __init__(self, program: Sequence[str | Path], *, uid: int | None, log: IO[bytes]) -> None:
        started: Future[subprocess.Popen[bytes]] = Future()

        def own() -> None:
            try:
                process = _launch(program, uid=uid, death_signal=signal.SIGINT, log=log)
            except BaseException as error:  # noqa: BLE001 - handed to the caller, whatever it is
                started.set_exception(error)
                return
            started.set_result(process)
            process.wait()

        self._owner = threading.Thread(target=own, name="embedded-postgres", daemon=True)
        self._owner.start()
        self._process = started.result()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._owner.is_alive()

    @property
    def exit_code(self) -> int | None:
        return self._process.returncode

    def stop(self) -> None:
        for number, seconds in ESCALATION:
            if not self.alive:
                return
            self._process.send_signal(number)
            self._owner.join(seconds)
