"""What the architecture tests look at: the tracked files and the parsed source."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Module:
    """One Python file: its path below ``src`` and its text."""

    path: str
    text: str

    @classmethod
    def sample(cls, text: str, *, path: str = "skua_core/sample.py") -> Self:
        return cls(path, text)

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    def at(self, node: ast.AST, what: str) -> str:
        """A violation, in the form that editors jump to."""
        return f"src/{self.path}:{getattr(node, 'lineno', 1)}: {what}"


def source_modules() -> list[Module]:
    source = ROOT / "src"
    return [
        Module(path.relative_to(source).as_posix(), path.read_text())
        for path in sorted(source.rglob("*.py"))
    ]


def tracked_files() -> Iterator[Path]:
    """Files that are committed or could be: neither ignored nor removed."""
    # Whoever owns the folder, it's ours to read: in CI that is often another user.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    command += ["--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listing.stdout.split("\0")):
        path = ROOT / name
        if path.is_file():
            yield path


def dotted(node: ast.expr) -> str:
    """``a.b.c`` of a name or an attribute; what isn't one is an empty part."""
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return f"{dotted(node.value)}.{node.attr}"
        case _:
            return ""
