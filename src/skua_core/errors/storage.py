"""Lanes, the database and the job queue."""

from uuid import UUID

from skua_core.errors.kinds import ErrorKind, SkuaError


class LeaseLost(SkuaError):
    """Another holder has this lane now: claim nothing, send nothing."""

    kind = ErrorKind.INTERNAL
    code = "lease-lost"

    def __init__(self, bot_id: UUID) -> None:
        super().__init__(f"The lane of bot {bot_id} is held by somebody else.")
        self.bot_id = bot_id


class StorageUnavailable(SkuaError):
    """The database doesn't answer, or is too busy. Nothing was changed unless ``unsure``."""

    kind = ErrorKind.UNAVAILABLE
    code = "storage-unavailable"

    def __init__(self, reason: str, *, unsure: bool = False) -> None:
        super().__init__(f"The database is not available ({reason}).")
        self.reason = reason
        self.unsure = unsure
        """True when the connection broke during COMMIT: it may or may not have happened."""


class StorageUnfit(SkuaError):
    """The database is there and may not be used as it is: roles, locks, or migrations."""

    kind = ErrorKind.INTERNAL
    code = "storage-unfit"

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("The database can't be used: " + "; ".join(problems) + ".")
        self.problems = problems


class QueueUnavailable(SkuaError):
    """Wake-ups can't be published now. The sweep finds the work a little later."""

    kind = ErrorKind.UNAVAILABLE
    code = "queue-unavailable"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The job queue is not available ({reason}).")
        self.reason = reason


class QueueUnfit(SkuaError):
    """Its server answers, and may not be used as it is set up."""

    kind = ErrorKind.INTERNAL
    code = "queue-unfit"

    def __init__(self, problem: str) -> None:
        super().__init__(f"The job queue can't be used: {problem}.")
        self.problem = problem
