"""The project speaks of itself alone: no machine's path, no registry's host."""

from pathlib import Path

from tests.architecture.project import ROOT, tracked_files

# In two halves, so that this file doesn't find itself.
BANNED = [
    "/wor" + "k/",
    "/roo" + "t/",
    "pypi" + ".org",
    "files.python" + "hosted.org",
    "deb.deb" + "ian.org",
    "registry.npm" + "js.org",
]


def banned_text(name: str, content: bytes) -> list[str]:
    return [f"{name}: {text}" for text in BANNED if text.encode() in content]


def test_no_file_names_a_machine_path_or_a_registry() -> None:
    found = [
        line
        for path in tracked_files()
        for line in banned_text(path.relative_to(ROOT).as_posix(), path.read_bytes())
    ]

    assert found == []


def test_no_lock_file_names_where_packages_come_from() -> None:
    assert [path for path in tracked_files() if path.name in {"uv.lock", "poetry.lock"}] == []
    assert "--index-url" not in (ROOT / "requirements.lock").read_text()
    assert "--hash=sha256:" in (ROOT / "requirements.lock").read_text()


def test_each_banned_text_would_be_found() -> None:
    for text in BANNED:
        assert banned_text("sample.md", f"see {text}simple".encode()) == [f"sample.md: {text}"]


def test_the_project_s_own_files_are_looked_at() -> None:
    names = {path.relative_to(ROOT) for path in tracked_files()}

    assert {Path("README.md"), Path("requirements.lock"), Path("Makefile")} <= names
