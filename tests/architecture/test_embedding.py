"""The service of docs/embedding.md runs with the core's own dependency alone."""

import re

from tests.architecture.bare_environment import BareEnvironment
from tests.architecture.project import ROOT


def test_the_embedded_service_runs_with_msgspec_alone(bare: BareEnvironment) -> None:
    page = (ROOT / "docs" / "embedding.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (printed,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)

    done = bare.run(code)

    assert done.returncode == 0, done.stderr
    assert done.stdout == printed
