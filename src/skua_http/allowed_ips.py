"""Who may come in at all, by their address."""

from skua_core.errors import ErrorKind, SkuaError
from skua_http.networks import Networks, is_within, read_address

# Telegram's and Stripe's addresses are theirs to choose, and whoever watches the process needn't
# be listed: what is here shows who they are by other means, or tells nothing.
_OPEN_PATH = "/healthz"
_OPEN_PREFIX = "/webhooks/"


class AddressNotAllowed(SkuaError):
    kind = ErrorKind.FORBIDDEN
    code = "address-not-allowed"

    def __init__(self) -> None:
        super().__init__("This installation doesn't take requests from your address.")


class AllowedAddresses:
    """``WEB_ALLOWED_IPS``: whoever isn't in the list gets nothing but the same refusal."""

    def __init__(self, networks: Networks | None) -> None:
        """None: everybody may come."""
        self._networks = networks

    def check(self, path: str, address: str | None) -> None:
        """``path`` as it is routed, ``address`` by ClientAddress. Raises AddressNotAllowed."""
        if self._networks is None or path == _OPEN_PATH or path.startswith(_OPEN_PREFIX):
            return
        known = None if address is None else read_address(address)
        if known is None or not is_within(known, self._networks):
            raise AddressNotAllowed
