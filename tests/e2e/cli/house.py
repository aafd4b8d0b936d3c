"""The real ``skua`` program: in a folder of its own, beside a simulated Telegram."""

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

SKUA = Path(sys.executable).with_name("skua")
PATIENCE = 60.0
"""Seconds; a busy machine is no defect."""


class House:
    """One installation and its environment; nothing of the caller's settings gets in."""

    def __init__(self, place: Path, environ: Mapping[str, str] | None = None) -> None:
        self.place = place
        foreign = ("SKUA_", "WEB_", "COVERAGE_", "PYTEST_")
        self.environ = {
            **{name: text for name, text in os.environ.items() if not name.startswith(foreign)},
            "SKUA_DATA_DIR": str(place / "data"),
            "COLUMNS": "80",
            **(environ or {}),
        }

    def with_settings(self, **settings: str) -> "House":
        return House(self.place, {**self.environ, **settings})

    def skua(self, *words: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [SKUA, *words],
            env=self.environ,
            cwd=self.place,
            input=typed,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def objects(self, *words: str, typed: str = "") -> list[dict[str, Any]]:
        """What it tells a program; it must succeed."""
        done = self.skua(*words, "--json", typed=typed)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def on_a_terminal(self, *words: str, answers: dict[str, str]) -> tuple[int, str]:
        """How it ends and what it shows to a person who answers so."""
        here, there = pty.openpty()
        process = subprocess.Popen(
            [SKUA, *words],
            env=self.environ,
            cwd=self.place,
            stdin=there,
            stdout=there,
            stderr=there,
        )
        os.close(there)
        shown, waiting = "", dict(answers)
        deadline = time.monotonic() + PATIENCE
        try:
            while time.monotonic() < deadline:
                try:
                    shown += os.read(here, 4096).decode(errors="replace")
                except OSError:  # the other end is closed
                    break
                for question in [each for each in waiting if each in shown]:
                    os.write(here, waiting.pop(question).encode())
            return process.wait(PATIENCE), shown
        finally:
            process.kill()
            process.wait()
            os.close(here)

    def start(self, *words: str) -> "Running":
        return Running(self, words)


class Running:
    """A program that stays, until the end of the ``with``."""

    def __init__(self, house: House, words: tuple[str, ...]) -> None:
        self.log = house.place / f"{words[0]}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [SKUA, *words],
                env=house.environ,
                cwd=house.place,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()

    def wait_for(self, text: str) -> str:
        """The line of its log that holds ``text``, as soon as there is one."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for line in self.said().splitlines(keepends=True):
                if text in line and line.endswith("\n"):
                    return line
            assert self.process.poll() is None, self.said()
            time.sleep(0.05)
        raise AssertionError(f"never said {text!r}:\n{self.said()}")

    def interrupt(self) -> int:
        """As Ctrl-C does; its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)

    def said(self) -> str:
        return self.log.read_text(errors="replace")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
