"""A certificate and its key, as files; looked at before anybody is asked to trust them."""

import ssl
from pathlib import Path

import msgspec

from skua_core.errors import ErrorKind, SkuaError


class CertificateUnfit(SkuaError):
    kind = ErrorKind.INVALID
    code = "certificate-unfit"

    def __init__(self, problem: str) -> None:
        super().__init__(f"TLS isn't possible: {problem}.")


class TlsFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Both in PEM; ``certificate`` begins with the server's own, its issuers after it."""

    certificate: Path
    key: Path

    def check(self) -> None:
        """Raises CertificateUnfit, which says which file is wrong and why."""
        for path in (self.certificate, self.key):
            try:
                path.read_bytes()
            except OSError as error:
                raise CertificateUnfit(f"{path} can't be read ({error.strerror})") from None
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
                self.certificate, self.key, password=_refuse
            )
        except _PassphraseAsked:
            raise CertificateUnfit(
                f"{self.key} is encrypted, and nobody is there to type its passphrase"
            ) from None
        except ssl.SSLError as error:
            raise CertificateUnfit(self._why(error)) from None

    def _why(self, error: ssl.SSLError) -> str:
        if error.reason == "KEY_VALUES_MISMATCH":
            return f"{self.key} isn't the key of {self.certificate}"
        # Such as "ee key too small"; a file that isn't PEM at all has no reason.
        reason = (error.reason or "not in PEM").replace("_", " ").lower()
        return f"{self.certificate} and {self.key} aren't a certificate and its key ({reason})"


class _PassphraseAsked(Exception):
    pass


def _refuse() -> str:
    """In place of OpenSSL's own question, which a server in the background would wait on."""
    raise _PassphraseAsked
