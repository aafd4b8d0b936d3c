"""What can be wrong with a door: one line each, exit code 2, and nothing listens."""

import socket
import subprocess
from pathlib import Path

import pytest

from tests.e2e.cli.house import House, free_port
from tests.e2e.serving.rig import Certificate, make_certificate

pytestmark = pytest.mark.external


def refusal(done: "subprocess.CompletedProcess[str]") -> str:
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.count("\n") == 1
    return done.stderr.strip()


def refused(house: House, certificate: Certificate) -> str:
    return refusal(house.skua("serve", "--port", str(free_port()), *certificate.options))


def test_a_port_that_is_taken(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        said = refusal(house.skua("serve", "--port", str(port)))

    assert said.startswith(f"skua: Can't listen on 127.0.0.1, port {port} (Address already in use)")


def test_a_certificate_without_its_key(house: House) -> None:
    said = refusal(house.skua("serve", "--tls-cert", "skua.crt"))

    assert said.startswith("skua: --tls-cert and --tls-key belong together.")


def test_a_certificate_that_is_not_there(house: House, tmp_path: Path) -> None:
    missing = Certificate(tmp_path / "missing.crt", tmp_path / "missing.key")

    said = refused(house, missing)

    assert said == (
        f"skua: TLS isn't possible: {missing.file} can't be read (No such file or directory)."
    )


@pytest.mark.parametrize("content", [b"", b"not PEM", b"\xff\xfe\x00"])
def test_a_certificate_that_is_none(house: House, tmp_path: Path, content: bytes) -> None:
    broken = make_certificate(tmp_path, "broken")
    broken.file.write_bytes(content)

    said = refused(house, broken)

    assert said.startswith(
        f"skua: TLS isn't possible: {broken.file} and {broken.key} aren't a certificate and its key"
    )


def test_the_key_of_another_certificate(house: House, tmp_path: Path) -> None:
    one, other = make_certificate(tmp_path, "one"), make_certificate(tmp_path, "other")

    said = refused(house, Certificate(one.file, other.key))

    assert said == f"skua: TLS isn't possible: {other.key} isn't the key of {one.file}."


def test_a_key_that_asks_for_a_passphrase(house: House, tmp_path: Path) -> None:
    locked = make_certificate(tmp_path, "locked", passphrase="a secret of ours")

    said = refused(house, locked)

    assert said == (
        f"skua: TLS isn't possible: {locked.key} is encrypted, and nobody is there to type its "
        "passphrase."
    )
