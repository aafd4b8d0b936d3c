"""Build ``.venv`` from a bare Python: uv by pip, then everything in requirements.lock by its hash.

Runs on Python 3.6 too, so that one too old for Skua gets a sentence and not a SyntaxError.
Run by ``make setup``; when nothing changed since the last time it does nothing.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "skua-setup"
INPUTS = ("tools/setup.py", "tools/bootstrap.lock", "requirements.lock", "pyproject.toml")
OLDEST = (3, 11)


class SetupFailed(Exception):
    """Carries the sentence that the user reads."""


def main() -> None:
    arguments = argparse.ArgumentParser(description="Build .venv as requirements.lock says.")
    arguments.add_argument(
        "--this-python", action="store_true", help="rebuild .venv when another Python made it"
    )
    this_python = arguments.parse_args().this_python
    try:
        if is_current(this_python):
            return
        build(this_python)
    except SetupFailed as failure:
        sys.exit(f"setup: {failure}")
    except subprocess.CalledProcessError as failure:
        command = " ".join(str(part) for part in failure.cmd)
        sys.exit(f"setup: this command failed, its message is above: {command}")


def is_current(this_python: bool) -> bool:
    if not STAMP.exists() or not runs(PYTHON):
        return False
    return STAMP.read_text() == fingerprint() and not (this_python and differs())


def build(this_python: bool) -> None:
    if not runs(PYTHON) or (this_python and differs()):
        make_environment(new_enough_python(only_this=this_python))
    say("installing what requirements.lock names")
    uv("pip", "install", "--require-hashes", "--requirement", ROOT / "requirements.lock")
    # The build backend is in the lock too, so nothing is fetched without a hash.
    uv("pip", "install", "--no-deps", "--no-build-isolation", "--editable", ROOT)
    half = STAMP.with_suffix(".new")
    half.write_text(fingerprint())
    half.replace(STAMP)
    say("ready: .venv/bin/skua --help")


def fingerprint() -> str:
    """Of everything that the environment is made from, and of its place: scripts hold its path."""
    digest = hashlib.sha256(str(ROOT).encode())
    for name in INPUTS:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def runs(python: Path) -> bool:
    try:
        return version_of(python) >= OLDEST
    except (OSError, subprocess.CalledProcessError):
        return False


def differs() -> bool:
    return version_of(PYTHON) != sys.version_info[:2]


def version_of(python: Path) -> "tuple[int, ...]":
    asked = "import sys; print(*sys.version_info[:2])"
    answer = subprocess.check_output([str(python), "-c", asked], stderr=subprocess.DEVNULL)
    return tuple(int(part) for part in answer.split())


def new_enough_python(only_this: bool) -> str:
    others = () if only_this else ("python3.13", "python3.12", "python3.11")
    for candidate in (sys.executable, *filter(None, map(shutil.which, others))):
        if runs(Path(candidate)):
            return candidate
    major, minor = sys.version_info[:2]
    raise SetupFailed(
        f"Skua needs Python 3.11 or newer and {sys.executable} is {major}.{minor}. Install one "
        "and name it, for example: make setup PYTHON=python3.12"
    )


def make_environment(python: str) -> None:
    """Debian ships Python without ensurepip, so pip and uv may have to come from elsewhere."""
    say(f"making .venv with {python}")
    from_lock = ["--require-hashes", "--requirement", ROOT / "tools/bootstrap.lock"]
    by_pip = [
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--only-binary=:all:",
        *from_lock,
    ]
    system_uv = shutil.which("uv")
    if imports(python, "ensurepip"):
        run([python, "-m", "venv", "--clear", VENV])
        run([PYTHON, "-m", "pip", *by_pip])
    elif imports(python, "pip"):
        run([python, "-m", "venv", "--clear", "--without-pip", VENV])
        run([python, "-m", "pip", "--python", PYTHON, *by_pip])
    elif system_uv:
        run([python, "-m", "venv", "--clear", "--without-pip", VENV])
        run([system_uv, "pip", "install", "--python", PYTHON, *from_lock])
    else:
        raise SetupFailed(
            f"{python} has neither ensurepip nor pip, so nothing can be installed with it. "
            "On Debian and Ubuntu, as root: apt-get install python3-venv"
        )


def imports(python: str, module: str) -> bool:
    asked = [python, "-c", f"import {module}"]
    return subprocess.call(asked, stderr=subprocess.DEVNULL) == 0


def uv(*arguments: object) -> None:
    environment = dict(os.environ, VIRTUAL_ENV=str(VENV))
    if "UV_CACHE_DIR" not in environment and not can_write(Path.home()):
        environment["UV_CACHE_DIR"] = str(ROOT / ".cache" / "uv")
    run([VENV / "bin" / "uv", "--no-config", "--quiet", *arguments], environment)


def can_write(folder: Path) -> bool:
    return folder.is_dir() and os.access(str(folder), os.W_OK)


def run(command: "list[object]", environment: "dict[str, str] | None" = None) -> None:
    subprocess.check_call([str(part) for part in command], cwd=str(ROOT), env=environment)


def say(sentence: str) -> None:
    print(f"setup: {sentence}", flush=True)


if __name__ == "__main__":
    main()
