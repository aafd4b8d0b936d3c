"""What the simulator refuses to those who start and drive it (never to bots: see ``refusals``)."""

from skua_core.errors import ErrorKind, SkuaError


class SimulatorAddressTaken(SkuaError):
    kind = ErrorKind.CONFLICT
    code = "simulator-address-taken"

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"The Telegram simulator can't listen on {host}:{port}: another program does. "
            "Choose another port, or 0 for any free one."
        )
        self.host = host
        self.port = port


class ReceiptBookUnfit(SkuaError):
    kind = ErrorKind.INVALID
    code = "receipt-book-unfit"

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"The receipt book {path} can't be used: {problem}.")
        self.path = path


class NotInWorld(SkuaError):
    """A bot, user, group or message that the simulated Telegram doesn't have."""

    kind = ErrorKind.NOT_FOUND
    code = "not-in-world"

    def __init__(self, what: str) -> None:
        super().__init__(f"The simulated Telegram has no {what}.")


class ActionImpossible(SkuaError):
    """What a simulated person was told to do can't be done in Telegram either."""

    kind = ErrorKind.CONFLICT
    code = "action-impossible"
