"""From a token to the last recipient, as an operator does it at the shell."""

import csv
import io

from skua_adapters.telegram_simulator import ReceiptBook
from tests.e2e.cli.conftest import FIRST_USER, Installation

RECIPIENTS = 120
_UNKNOWN = 77
"""A chat that never started the bot."""


def test_a_bot_its_subscribers_a_broadcast_and_what_became_of_each(
    installation: Installation,
) -> None:
    house = installation.house
    (bot,) = house.objects("bot", "add", "gulls", typed=f"{installation.token}\n")
    assert bot["problem"] is None

    assert [each["slug"] for each in house.objects("bot", "list")] == [bot["slug"]]
    chats = [*range(FIRST_USER, FIRST_USER + RECIPIENTS), _UNKNOWN]
    listed = "".join(f"{chat},Ana {chat}\n" for chat in chats)
    imported = house.objects("subscribers", "import", "-", typed=f"chat_id,first_name\n{listed}")
    assert imported[-1]["added"] == len(chats)
    (sent,) = house.objects("broadcast", "send", "--text", "Hello {{ first_name }}!")
    assert sent["recipients"] == len(chats)
    looks = house.objects("broadcast", "watch")
    (report,) = house.objects("broadcast", "report")
    recipients = house.skua("broadcast", "report", "--recipients")
    verified = house.objects("audit", "verify")

    assert looks[-1]["status"] == report["status"] == "completed"
    assert (report["sent"], report["failed"]) == (RECIPIENTS, 1)
    assert report["reasons"] == {"chat_not_found": 1}
    rows = list(csv.DictReader(io.StringIO(recipients.stdout)))
    assert [int(row["chat_id"]) for row in rows] == chats
    assert [row["reason"] for row in rows if row["status"] != "sent"] == ["chat_not_found"]
    book = ReceiptBook.read(installation.receipts)
    assert sorted(int(str(receipt.chat_id)) for receipt in book.accepted()) == chats[:-1]
    assert not book.duplicates()
    assert [chain["unbroken"] for chain in verified] == [True]


def test_on_a_terminal_it_shows_and_asks_before_it_sends(installation: Installation) -> None:
    house = installation.house
    before = house.objects("broadcast", "list")

    code, shown = house.on_a_terminal(
        "broadcast", "send", "--text", "Not this one", answers={"Send it?": "n\n"}
    )

    assert code == 1
    assert "Not this one" in shown
    assert "Nothing was sent." in shown
    assert house.objects("broadcast", "list") == before


def test_ctrl_c_ends_the_watching_and_not_the_broadcast(installation: Installation) -> None:
    house = installation.house
    house.objects("broadcast", "send", "--text", "A second one")

    with house.start("broadcast", "watch", "--json") as watching:
        watching.wait_for('"status":"sending"')
        code = watching.interrupt()
        said = watching.said()
    looks = house.objects("broadcast", "watch")

    assert code == 130
    assert "The broadcast goes on" in said
    assert "Traceback" not in said
    assert looks[-1]["status"] == "completed"
    assert looks[-1]["sent"] == RECIPIENTS


def test_status_tells_who_serves(installation: Installation) -> None:
    whole, bot = installation.house.objects("status")

    assert whole == {"database": "embedded", "queue": "ok", "running": True, "bots": 1}
    assert (bot["token_state"], bot["webhook_state"]) == ("active", "polling")


def test_no_token_is_in_any_log(installation: Installation) -> None:
    said = installation.up.said()

    assert said
    assert installation.token.partition(":")[2] not in said
