"""docs/trust.md says no more than tests prove, and never less than it once did."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.architecture.project import ROOT, dotted

NUMBERS = [f"P{number:02}" for number in range(1, 30)]
# Grows when a promise is kept for the first time. Nothing is ever taken out.
KEPT_ONCE = frozenset({"P01", "P02", "P04", "P05", "P06", "P07", "P08", "P10", "P14", "P19"})

ROW = re.compile(
    r"^\| (?P<number>P\d\d) \| (?P<promise>[^|]+) \| (?P<state>[^|]+) "
    r"\| ?(?P<code>[^|]*?) ?\| ?(?P<tests>[^|]*?) ?\|$",
    re.MULTILINE,
)
LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")


@dataclass(frozen=True)
class Promise:
    number: str
    state: str
    code: list[str]
    tests: list[str]


def promises(page: str) -> list[Promise]:
    return [
        Promise(row["number"], row["state"], LINK.findall(row["code"]), LINK.findall(row["tests"]))
        for row in ROW.finditer(page)
    ]


def faults(page: str, kept_once: frozenset[str], docs: Path) -> Iterator[str]:
    rows = promises(page)
    if [row.number for row in rows] != NUMBERS:
        yield "the table does not list P01 to P29 once each, in order"
    for row in rows:
        if row.state not in {"kept", "not yet"}:
            yield f"{row.number} has the state {row.state!r}"
        if row.number in kept_once and row.state != "kept":
            yield f"{row.number} was kept once and is not any more"
        if row.state == "kept":
            if row.number not in kept_once:
                yield f"{row.number} is kept: add it to KEPT_ONCE, so that it stays so"
            yield from missing_evidence(row, docs)


def missing_evidence(row: Promise, docs: Path) -> Iterator[str]:
    if not row.code or not row.tests:
        yield f"{row.number} is kept and does not link to both code and test"
    for link in (*row.code, *row.tests):
        if not (docs / link).exists():
            yield f"{row.number} links to {link}, which does not exist"
    proving = [link for link in row.tests if (docs / link).is_file()]
    for link in proving:
        if row.number not in proven_by(docs / link):
            yield f"{link} has no test marked as keeping {row.number}"


def proven_by(test_file: Path) -> set[str]:
    """Promises whose test is here: by its name, or by ``@pytest.mark.promise("P10")``."""
    tree = ast.parse(test_file.read_text())
    names = [test_file.stem]
    names += [node.name for node in ast.walk(tree) if hasattr(node, "name") and node.name]
    found = {
        f"P{match[1]}" for name in names if (match := re.match(r"test_promise_p(\d\d)_", name))
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func).endswith("mark.promise"):
            found |= {str(arg.value) for arg in node.args if isinstance(arg, ast.Constant)}
    return found


def test_every_kept_promise_has_its_code_and_its_test() -> None:
    docs = ROOT / "docs"
    found = list(faults((docs / "trust.md").read_text(), KEPT_ONCE, docs))

    assert not found, "\n".join(found)


def test_every_promise_that_a_test_claims_to_keep_exists() -> None:
    claimed = set[str]()
    for path in (ROOT / "tests").rglob("test_*.py"):
        claimed |= proven_by(path)

    assert claimed <= set(NUMBERS)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A made-up project in which P10 has code, a good test and a test of something else."""
    (tmp_path / "lock.py").touch()
    (tmp_path / "test_lock.py").write_text('@pytest.mark.promise("P10")\ndef test_it(): ...\n')
    (tmp_path / "test_promise_p10_rows.py").write_text("def test_it(): ...\n")
    (tmp_path / "test_other.py").write_text("def test_promise_p12_it(): ...\n")
    return tmp_path


def page(number: str = "P10", state: str = "kept", code: str = "", tests: str = "") -> str:
    rows = {known: f"| {known} | Words | not yet | | |" for known in NUMBERS}
    rows[number] = f"| {number} | Words | {state} | {code} | {tests} |"
    return "\n".join(rows.values())


@pytest.mark.parametrize("test", ["test_lock.py", "test_promise_p10_rows.py"])
def test_a_kept_promise_with_evidence_has_no_fault(docs: Path, test: str) -> None:
    good = page(code="[lock](lock.py)", tests=f"[test]({test})")

    assert not list(faults(good, frozenset({"P10"}), docs))


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        (page(code="[lock](lock.py)"), "both code and test"),
        (page(code="[lock](gone.py)", tests="[test](test_lock.py)"), "does not exist"),
        (page(code="[lock](lock.py)", tests="[test](test_other.py)"), "no test marked"),
        (page(state="not yet"), "was kept once"),
        (page(state="nearly"), "the state 'nearly'"),
        (page().replace("| P29", "| P30"), "P01 to P29"),
        (page().replace("| P29", "| 29"), "P01 to P29"),
    ],
)
def test_a_promise_without_evidence_is_found(docs: Path, bad: str, fault: str) -> None:
    assert any(fault in found for found in faults(bad, frozenset({"P10"}), docs))


def test_a_promise_that_is_newly_kept_has_to_be_kept_for_ever(docs: Path) -> None:
    new = page(code="[lock](lock.py)", tests="[test](test_lock.py)")

    assert "add it to KEPT_ONCE" in next(faults(new, frozenset(), docs))
