"""Where processes aren't forked (macOS, Python 3.14) they are made anew, and serve as well."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.cli.house import PATIENCE, House, free_port
from tests.e2e.serving.rig import HOST

pytestmark = pytest.mark.external

PROGRAM = """
import multiprocessing

if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    from skua_app.cli import main

    main()
"""


def test_processes_that_are_made_anew_serve_with_all_settings(house: House, tmp_path: Path) -> None:
    program, log = tmp_path / "program.py", tmp_path / "serve.log"
    program.write_text(PROGRAM)
    settings = house.with_settings(
        SKUA_SMTP_URL="smtp://skua:a-password@127.0.0.1:1025",
        SKUA_MAIL_FROM="skua@example.com",
        SKUA_LOG="json",
    )
    command = [sys.executable, str(program), "serve", "--host", HOST]
    command += ["--port", str(free_port()), "--processes", "2"]
    with log.open("wb") as written:
        process = subprocess.Popen(command, env=settings.environ, stdout=written, stderr=written)
    try:
        deadline = time.monotonic() + PATIENCE
        while b"Ctrl-C stops it." not in log.read_bytes():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.terminate()
        code = process.wait(PATIENCE)
    finally:
        process.kill()
        process.wait()

    said = log.read_text()
    assert code == 0, said
    assert all(line.startswith("{") for line in said.splitlines()), said
