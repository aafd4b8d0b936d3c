"""What ``skua broadcast send`` can carry, and what it refuses before anything is kept."""

from pathlib import Path
from typing import Any

import pytest

from skua_core.domain.content import (
    CopyText,
    InlineButton,
    LinkPreview,
    MessageSource,
    SendOptions,
)
from skua_core.domain.media import CopiedMessage, MediaKind, Medium
from skua_core.ids import BotId, ChatId
from tests.unit.cli.desk import Desk

JPEG = b"\xff\xd8\xff\xe0" + b"j" * 60
MB = 1024 * 1024


def bot_id_of(desk: Desk) -> BotId:
    return next(iter(desk.world.memory.bots.rows))


def written(desk: Desk) -> MessageSource:
    """The newest revision."""
    rows = desk.world.memory.tenants[bot_id_of(desk)].revisions.rows
    return list(rows.values())[-1].source


def stored(desk: Desk) -> dict[str, bytes]:
    """Files by their names."""
    tenant = desk.world.memory.tenants[bot_id_of(desk)]
    return {
        upload.name: tenant.stored_files.rows[upload.id].data
        for upload in tenant.media.rows.values()
    }


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "gull.jpg"
    path.write_bytes(JPEG)
    return path


def test_a_file_is_uploaded_and_sent(ready_desk: Desk, photo: Path) -> None:
    result = ready_desk.run(
        *("broadcast", "send", "--photo", str(photo), "--text", "Hi {{ first_name }}"),
        *("--spoiler", "--caption-above", "--silent", "--protect", "--effect", "5104841245755"),
    )

    assert result.exit_code == 0, result.stderr
    shown = "    Hi Ana\n    photo gull.jpg (1 KB), hidden as a spoiler\n"
    assert shown in result.stdout
    assert "It arrives without a sound, can't be forwarded or saved, plays effect" in result.stdout
    source = written(ready_desk)
    (medium,) = source.media
    assert (medium.kind, medium.spoiler) == (MediaKind.PHOTO, True)
    assert source.options == SendOptions(
        protect=True, silent=True, effect_id="5104841245755", caption_above=True
    )
    assert stored(ready_desk) == {"gull.jpg": JPEG}


def test_an_album_keeps_the_order_in_which_it_was_given(ready_desk: Desk, photo: Path) -> None:
    (sent,) = ready_desk.objects(
        *("broadcast", "send", "--video", "https://skua.example/a.mp4"),
        *("--photo", str(photo), "--video", "file_id:BAAC", "--photo", "file_id:AgAC"),
        *("--photo", str(photo)),
    )

    first, second, third, fourth, fifth = written(ready_desk).media
    assert first == Medium(MediaKind.VIDEO, url="https://skua.example/a.mp4")
    assert third == Medium(MediaKind.VIDEO, file_id="BAAC")
    assert fourth == Medium(MediaKind.PHOTO, file_id="AgAC")
    assert second == fifth
    kinds = ["video", "photo", "video", "photo", "photo"]
    assert [each["kind"] for each in sent["media"]] == kinds
    assert sent["media"][1]["upload"] == str(second.upload)
    assert len(stored(ready_desk)) == 1


def test_a_message_is_copied(ready_desk: Desk) -> None:
    result = ready_desk.run("broadcast", "send", "--copy", "-1001234567890:5")

    assert result.exit_code == 0, result.stderr
    assert "    copy of message 5 in chat -1001234567890\n" in result.stdout
    assert written(ready_desk).copied == CopiedMessage(ChatId(-1001234567890), 5)


@pytest.mark.parametrize(
    ("value", "button", "shown"),
    [
        ("See = https://a.b/?c=d", InlineButton("See", url="https://a.b/?c=d"), "https://a.b/?c=d"),
        (
            "Code = copy: GULL=7",
            InlineButton("Code", copy_text=CopyText("GULL=7")),
            "copies GULL=7",
        ),
        ("Yes=answer:Thanks, all!", InlineButton("Yes", answer="Thanks, all!"), "answers Thanks,"),
        (
            "Yes = alert:Wait: no",
            InlineButton("Yes", answer="Wait: no", alert=True),
            "alerts Wait:",
        ),
        ("In = tag:vip, old", InlineButton("In", tag="vip, old"), "tags vip, old"),
        (
            "In = tag:vip, answer:You're in, Ana.",
            InlineButton("In", tag="vip", answer="You're in, Ana."),
            "tags vip, answers You're in, Ana.",
        ),
        (
            "In = tag:vip,alert:Welcome",
            InlineButton("In", tag="vip", answer="Welcome", alert=True),
            "tags vip, alerts Welcome",
        ),
    ],
)
def test_a_button_does_what_is_written_behind_it(
    ready_desk: Desk, value: str, button: InlineButton, shown: str
) -> None:
    result = ready_desk.run("broadcast", "send", "--text", "Hello", "--button", value)

    assert result.exit_code == 0, result.stderr
    assert written(ready_desk).buttons == ((button,),)
    assert f"    [ {button.text} ] {shown}" in result.stdout


def test_variants_take_over_everything_but_the_text(
    ready_desk: Desk, photo: Path, tmp_path: Path
) -> None:
    (tmp_path / "pt.html").write_text("Olá <b>{{ first_name }}</b>", encoding="utf-8")

    result = ready_desk.run(
        *("broadcast", "send", "--text", "Hi {{ first_name }}", "--photo", str(photo)),
        *("--button", "In = tag:vip", "--protect", "--variant", f"pt-BR={tmp_path / 'pt.html'}"),
    )

    assert result.exit_code == 0, result.stderr
    assert "In pt-br, as somebody called Ana would get it:\n\n    photo gull.jpg" in result.stdout
    assert "    Olá Ana\n" in result.stdout
    assert "    Hi Ana\n" in result.stdout
    source = written(ready_desk)
    variant = source.variants["pt-br"]
    assert variant.text == "Olá <b>{{ first_name }}</b>"
    assert (variant.media, variant.buttons) == (source.media, source.buttons)
    assert variant.options == SendOptions(protect=True)
    assert len(stored(ready_desk)) == 1


def test_a_link_may_go_without_a_preview(ready_desk: Desk) -> None:
    (sent,) = ready_desk.objects("broadcast", "send", "--text", "https://a.b", "--no-preview")

    assert written(ready_desk).options.link_preview == LinkPreview(is_disabled=True)
    assert sent["options"] == {"link_preview": {"is_disabled": True}}


def test_the_same_file_again_is_the_same_message_and_is_stored_once(
    ready_desk: Desk, photo: Path
) -> None:
    words = ("broadcast", "send", "--photo", str(photo), "--text", "Look")
    ready_desk.run(*words)
    ready_desk.deliver({})

    again = ready_desk.run(*words)
    photo.write_bytes(JPEG + b"more")
    changed = ready_desk.run(*words)

    assert again.exit_code == 2
    assert again.stderr.startswith("skua: Revision 1 of this campaign was broadcast at ")
    assert changed.exit_code == 0, changed.stderr
    assert len(ready_desk.world.memory.tenants[bot_id_of(ready_desk)].media.rows) == 2


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["--photo", "{photo}"], "photo gull.jpg"),
        (["--photo", "file_id:AgAC", "--text", " \n<b>See</b>\nthis"], "See"),
        (["--document", "https://skua.example/a.pdf"], "document https://skua.example/a.pdf"),
        (["--copy", "7:5"], "copy of message 5 in chat 7"),
    ],
)
def test_a_message_without_text_is_named_after_what_it_carries(
    ready_desk: Desk, photo: Path, words: list[str], name: str
) -> None:
    result = ready_desk.run("broadcast", "send", *(word.format(photo=photo) for word in words))

    assert result.exit_code == 0, result.stderr
    campaigns = ready_desk.world.memory.tenants[bot_id_of(ready_desk)].campaigns.rows
    assert [campaign.name for campaign in campaigns.values()] == [name]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--photo", "{here}/none.jpg"], "{here}/none.jpg: No such file or directory."),
        (["--photo", "{here}"], "The photo '{here}' can't be sent: it is no ordinary file."),
        (["--video", "{here}/empty"], "The video '{here}/empty' can't be sent: the file is empty."),
        (["--photo", "{here}/text"], "The photo '{here}/text' can't be sent: a photo is a JPEG"),
        (["--photo", "{here}/gif"], "The photo '{here}/gif' can't be sent: it is a GIF"),
        (
            ["--photo", "{here}/big.jpg"],
            "The photo '{here}/big.jpg' can't be sent: Telegram takes at most 10 MB as a photo.",
        ),
        (
            ["--document", "{here}/huge"],
            "The document '{here}/huge' can't be sent: Telegram takes at most 50 MB as a document.",
        ),
        (["--photo", "http://a.b/c.jpg"], "The photo can't be sent: Telegram can't fetch it from"),
        (["--photo", "file_id:"], "The photo can't be sent: its file_id is none"),
        (
            ["--photo", "{here}/a.jpg", "--voice", "file_id:A"],
            "This message can't be sent: a voice",
        ),
        (["--photo", "{here}/a.jpg"] * 11, "This message can't be sent: an album has 2 to 10"),
        (["--photo", "{here}/a.jpg", "--copy", "1:2"], "This message can't be sent: a copied"),
        (["--photo", "{here}/a.jpg", "--no-preview"], "This message can't be sent: only a text"),
        (
            ["--photo", "{here}/a.jpg", "--text", "x" * 1025],
            "The text below a medium has 1025 characters",
        ),
        (["--copy", "@gulls:5"], "Invalid value for '--copy': '@gulls:5' is not CHAT_ID:MESSAGE"),
        (["--copy", "1:2", "--effect", "fire"], "This message can't be sent: its effect_id"),
        (["--text", "Hi \udce9"], "Line 1, column 4: half a character"),
        (["--text", "Hi", "--button", "See"], "Invalid value for '--button': 'See' is not"),
        (["--text", "Hi", "--button", "See = nowhere"], "Button 1 of row 1: its address can't"),
        (["--text", "Hi", "--button", "See = tag:"], "Button 1 of row 1: its tag can't be given"),
        (["--text", "Hi", "--button", "See = copy:"], "Button 1 of row 1: what it copies has 0"),
        (["--text", "Hi", "--variant", "pt"], "Invalid value for '--variant': 'pt' is not LANG"),
        (["--text", "Hi", "--variant", "pt={here}/none"], "{here}/none: No such file"),
        (["--text", "Hi", "--variant", "pt={here}/a.jpg"], "Invalid value for '--variant': {here}"),
        (
            ["--text", "Hi", "--variant", "português={here}/text"],
            "In the wording for 'português': this is no language tag",
        ),
        (
            ["--text", "Hi", "--variant", "pt={here}/broken"],
            "In the wording for 'pt': Line 2, column 1: `<b>` is never closed.",
        ),
        (
            ["--text", "Hi {{{{ first_name }}}}", "--variant", "pt={here}/text"],
            "In the wording for 'pt': This message can't be sent: it lacks {{{{ first_name }}}}",
        ),
        (
            ["--text", "Hi", "--variant", "pt={here}/text", "--variant", "PT={here}/text"],
            "Invalid value for '--variant': pt is there 2 times.",
        ),
    ],
)
def test_what_cannot_be_sent_is_one_line_and_nothing_is_uploaded(
    ready_desk: Desk, tmp_path: Path, words: list[str], line: str
) -> None:
    fill(tmp_path)
    before = dict(ready_desk.world.memory.audit.rows)
    placed: dict[str, Any] = {"here": tmp_path}

    result = ready_desk.run("broadcast", "send", *(word.format(**placed) for word in words))

    assert result.exit_code == 2
    assert result.stderr.startswith(f"skua: {line.format(**placed)}")
    assert result.stderr.count("\n") == 1
    assert dict(ready_desk.world.memory.audit.rows) == before
    assert stored(ready_desk) == {}


def fill(here: Path) -> None:
    """With files of which only one can be a photo."""
    contents = {
        "a.jpg": JPEG,
        "empty": b"",
        "gif": b"GIF89a" + b"g" * 20,
        "text": b"Ola",
        "broken": b"Ola\n<b>tu",
    }
    for name, content in contents.items():
        (here / name).write_bytes(content)
    for name, size in (("big.jpg", 10 * MB + 1), ("huge", 50 * MB + 1)):
        with (here / name).open("wb") as file:
            file.write(JPEG)
            file.truncate(size)  # takes no room on the disk
