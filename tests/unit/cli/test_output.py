"""How things are put: units, cells, what can't move a terminal."""

import csv
import io
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from skua_app.cli.output import csv_line, duration
from skua_app.cli.plain import clean, one_line
from skua_app.cli.progress import Look, picture
from skua_app.redaction import without_tokens
from skua_core.domain.broadcast import Broadcast, BroadcastStatus, PauseReason
from skua_core.domain.delivery import DeliveryCounts
from skua_core.ids import BroadcastId, CampaignId
from skua_core.use_cases.broadcast_reports import BroadcastProgress
from tests.unit.use_cases.world import TOKEN

AN_ID = UUID("0190a5a0-0000-7000-8000-000000000000")
A_DAY = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "1 s"),
        (119, "119 s"),
        (120, "2 min"),
        (3_570, "60 min"),
        (3_600, "1 h"),
        (12_000, "3 h 20 min"),
        (86_400, "1 d"),
        (187_200, "2 d 4 h"),
    ],
)
def test_time_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@given(st.lists(st.text(), min_size=1))
def test_no_csv_cell_computes_or_breaks_the_line(values: list[str]) -> None:
    line = csv_line(values)

    assert len(line.splitlines()) <= 1
    (cells,) = list(csv.reader(io.StringIO(line))) or [[]]
    for cell in cells:
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")) or cell[1:].isdigit()


@given(st.text())
def test_nothing_that_is_shown_moves_the_terminal(text: str) -> None:
    shown = one_line(text)

    assert all(character.isprintable() or character == "\u200d" for character in shown)


def test_an_emoji_of_several_parts_stays_whole() -> None:
    assert clean("👩\u200d🚀") == "👩\u200d🚀"


@pytest.mark.parametrize("colon", [":", "%3A", "%3a"])
def test_a_token_is_taken_out_wherever_it_stands(colon: str) -> None:
    token = TOKEN.reveal().replace(":", colon)

    assert without_tokens(f"GET https://x/bot{token}/getMe") == "GET https://x/bot<bot-token>/getMe"


@pytest.mark.parametrize(
    ("status", "reason", "shown"),
    [
        (BroadcastStatus.SENDING, None, "29.5 per second, 20 s to go"),
        (BroadcastStatus.PAUSED, PauseReason.CONTENT_REFUSED, "Telegram refuses the message"),
    ],
)
def test_the_live_picture_fits_a_small_terminal(
    status: BroadcastStatus, reason: PauseReason | None, shown: str
) -> None:
    broadcast = Broadcast(
        id=BroadcastId(AN_ID),
        campaign_id=CampaignId(AN_ID),
        revision=1,
        status=status,
        pause_reason=reason,
        pause_detail="[red]Bad Request[/red]\x1b[2J",
        counts=DeliveryCounts(pending=900_000, in_flight=320, sent=99_000, failed=680),
        created_at=A_DAY,
        changed_at=A_DAY,
    )
    progress = BroadcastProgress(broadcast=broadcast, rate=29.5, eta=20.2)
    console = Console(width=80, file=io.StringIO(), record=True)

    console.print(picture(Look(progress=progress, served=True)))

    text = console.export_text()
    assert shown in text
    assert "99,680 of 1,000,000" in text
    assert "\x1b" not in text
    assert len(text.splitlines()) <= 7
