"""What will be done to an installation: drawn from a seed before anything starts.

The same seed and scale make the same plan. What it meets differs from run to run: the machine
decides how far each program has come when its turn is there.
"""

import random
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum

import msgspec

from skua_core.faults import POINTS, FaultAction
from tests.e2e.delivery.programs import Plan
from tests.e2e.torture.scale import Scale


class Act(StrEnum):
    """What one disturbance is."""

    KILL = "SIGKILL"
    FREEZE = "SIGSTOP, then SIGCONT"
    DATABASE_KILL = "kill -9 of the database"
    DATABASE_STOP = "immediate stop of the database"
    DATABASE_BACKEND = "kill -9 of one database connection"
    QUEUE_FLUSH = "queue flushed"
    QUEUE_STOP = "queue stopped"
    QUEUE_SLOW = "queue slow"
    PAUSE = "pause, then resume"
    READ_ONLY = "read-only, then writable"
    TOKEN = "token removed, then set"
    CANCEL = "cancel"
    THROTTLE = "429 for a bot"
    PEOPLE = "/stop and /start"


DATABASE = (Act.DATABASE_KILL, Act.DATABASE_STOP, Act.DATABASE_BACKEND)
QUEUE = (Act.QUEUE_FLUSH, Act.QUEUE_STOP, Act.QUEUE_SLOW)
GATES = (Act.PAUSE, Act.READ_ONLY, Act.TOKEN)

WORKER_POINTS = (
    "claim.after_commit",
    "send.before_http",
    "send.after_http",
    "result.before_commit",
    "heartbeat.skip",
)
SERVER_POINTS = ("webhook.after_insert",)
OPERATOR_POINTS = ("audit.before_insert", "token.after_commit_before_set_webhook")
"""A command of an operator dies there."""
_SKIPS = {
    "claim.after_commit": (5, 60),
    "send.before_http": (40, 300),
    "send.after_http": (40, 300),
    "result.before_commit": (10, 90),
    "heartbeat.skip": (1, 6),
    "webhook.after_insert": (0, 4),
}
"""Passages of one process before its fault point may fire."""


class Disturbance(msgspec.Struct, frozen=True, kw_only=True):
    at: float
    """Seconds from the time when the first messages leave."""
    act: Act
    target: str = ""
    """A program's name."""
    bot: int = 0
    seconds: float = 0.0
    """How long it lasts, where it has an end."""

    def __str__(self) -> str:
        whom = "" if self.act in {*DATABASE, *QUEUE} else f"  {self.target or f'bot{self.bot}'}"
        return f"{self.at:6.1f} s  {self.act}{whom}"


class TorturePlan(msgspec.Struct, frozen=True, kw_only=True):
    seed: int
    disturbances: tuple[Disturbance, ...]
    """By time."""

    def __str__(self) -> str:
        counted = Counter(each.act for each in self.disturbances)
        return "; ".join(f"{number} x {act}" for act, number in counted.items())


def worker_names(scale: Scale) -> list[str]:
    return [f"worker{number}" for number in range(scale.workers)]


def server_names(scale: Scale) -> list[str]:
    return [f"server{number}" for number in range(scale.servers)]


def make_plan(seed: int, scale: Scale) -> TorturePlan:
    draw = random.Random(f"{seed}:plan")  # noqa: S311 - repeatable, nothing secret
    drawn = [
        *_on_programs(draw, scale),
        *_on_database(draw, scale),
        *_on_queue(draw, scale),
        *_on_bots(draw, scale),
    ]
    return TorturePlan(seed=seed, disturbances=tuple(sorted(drawn, key=lambda each: each.at)))


def _on_programs(draw: random.Random, scale: Scale) -> Iterator[Disturbance]:
    workers, servers = worker_names(scale), server_names(scale)
    # Evenly, so that whoever was killed has begun anew before its next turn.
    step = (scale.over - scale.begin) / scale.kills
    order: list[str] = []
    while len(order) < scale.kills:
        round_ = [*workers, *workers, *servers]
        draw.shuffle(round_)
        order += round_
    for number, target in enumerate(order[: scale.kills]):
        at = scale.begin + step * (number + draw.random())
        yield Disturbance(at=at, act=Act.KILL, target=target)
    for number in range(scale.freezes):
        # Every second one is longer than it takes to lose one's lanes.
        longest = scale.fence if number % 2 else scale.takeover * 2
        seconds = draw.uniform(longest / 2, longest)
        target = draw.choice([*workers, *workers, *servers])
        yield Disturbance(at=_moment(draw, scale), act=Act.FREEZE, target=target, seconds=seconds)


def _on_database(draw: random.Random, scale: Scale) -> Iterator[Disturbance]:
    step = (scale.over - scale.begin) / (scale.database_falls + 1)
    for number in range(scale.database_falls + 1):
        at = scale.begin + step * (number + draw.random())
        act = DATABASE[number % len(DATABASE)]
        seconds = draw.uniform(0.2, scale.takeover / 2)
        yield Disturbance(at=at, act=act, seconds=seconds)


def _on_queue(draw: random.Random, scale: Scale) -> Iterator[Disturbance]:
    step = (scale.over - scale.begin) / scale.queue_troubles
    for number in range(scale.queue_troubles):
        at = scale.begin + step * (number + draw.random())
        seconds = draw.uniform(scale.takeover / 2, scale.takeover)
        yield Disturbance(at=at, act=QUEUE[number % len(QUEUE)], seconds=seconds)


def _on_bots(draw: random.Random, scale: Scale) -> Iterator[Disturbance]:
    """Each bot meets one thing at most, so that no two operators are in each other's way."""
    bots = list(range(scale.bots))
    draw.shuffle(bots)
    wanted = [*(GATES * 3), Act.PAUSE, Act.PAUSE, Act.PAUSE, Act.CANCEL, Act.CANCEL]
    wanted += [Act.THROTTLE] * 5 + [Act.PEOPLE] * 12
    for bot, act in zip(bots, wanted, strict=False):
        seconds = draw.uniform(scale.takeover / 2, scale.takeover * 2)
        yield Disturbance(at=_moment(draw, scale), act=act, bot=bot, seconds=seconds)


def _moment(draw: random.Random, scale: Scale) -> float:
    return draw.uniform(scale.begin, scale.over * 0.8)


class Lives(Iterator[Plan]):
    """What awaits each life of one program: first an end at each point of ``ends``, then chance.

    A life that ended otherwise before it came to its point is lived once more.
    """

    def __init__(self, name: str, ends: tuple[str, ...], *, seed: int, scale: Scale) -> None:
        self._draw = random.Random(f"{seed}:{name}")  # noqa: S311 - as above
        self._points = WORKER_POINTS if name.startswith("worker") else SERVER_POINTS
        self._ends = list(ends)
        self._scale = scale

    def __next__(self) -> Plan:
        seed = self._draw.randrange(10**6)
        if self._ends:
            return self._end(self._ends[0], seed)
        if self._draw.random() < 0.5:
            return Plan()
        return self._trouble(self._draw.choice(self._points), seed)

    @property
    def ends_left(self) -> bool:
        return bool(self._ends)

    def ended_at(self, cause: str) -> None:
        if cause in self._ends:
            self._ends.remove(cause)

    def _end(self, point: str, seed: int) -> Plan:
        return Plan(point, self._draw.randint(*_SKIPS[point]), seed=seed)

    def _trouble(self, point: str, seed: int) -> Plan:
        """An end by chance, or a delay, a broken connection or an error now and then."""
        action = self._draw.choice(_ACTIONS[point])
        if action is FaultAction.KILL:
            return self._end(point, seed)
        often = 0.4 if point == "heartbeat.skip" else 0.02
        seconds = self._draw.uniform(self._scale.heartbeat, self._scale.takeover * 1.5)
        if point.startswith("send."):
            seconds = self._scale.heartbeat
        return Plan(point, 3, often, seed, action, seconds)


_ALL = (FaultAction.KILL, FaultAction.SLEEP, FaultAction.RAISE)
_ACTIONS = {
    "claim.after_commit": _ALL,
    "send.before_http": (*_ALL, FaultAction.DROP),
    "send.after_http": (*_ALL, FaultAction.DROP),
    "result.before_commit": _ALL,
    "heartbeat.skip": (*_ALL, FaultAction.DROP),
    "webhook.after_insert": _ALL,
}


def make_lives(seed: int, scale: Scale) -> dict[str, Lives]:
    """For each program by name; together they end once at every point of theirs."""
    lives = {}
    for names, points in (
        (worker_names(scale), WORKER_POINTS),
        (server_names(scale), SERVER_POINTS),
    ):
        for number, name in enumerate(names):
            ends = points[number :: len(names)]
            lives[name] = Lives(name, ends, seed=seed, scale=scale)
    return lives


def unknown_points() -> frozenset[str]:
    """Fault points that no life of any program here ends at."""
    return POINTS - {*WORKER_POINTS, *SERVER_POINTS, *OPERATOR_POINTS}
