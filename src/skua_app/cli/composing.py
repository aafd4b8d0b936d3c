"""A message as it is written on the command line."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TextIO

import rich_click as click
from click import get_current_context
from msgspec.structs import replace

from skua_app.cli.attaching import Attachments
from skua_app.cli.buttons import FORMS, read_button
from skua_core.domain.content import ButtonRows, LinkPreview, MessageSource, ParseMode, SendOptions
from skua_core.domain.media import CopiedMessage, MediaKind, Medium
from skua_core.ids import ChatId

_ORDER = "skua.order"
_COPY = re.compile(r"(-?[0-9]{1,16}):([0-9]{1,10})", re.ASCII)


@dataclass(frozen=True)
class Draft:
    """A message of which nothing is kept yet."""

    source: MessageSource
    attachments: Attachments


class MessageCommand(click.RichCommand):
    """Remembers in which order its options came: an album is shown in that order."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        ctx.meta[_ORDER] = [parameter.name for parameter in order]
        return super().parse_args(ctx, args)


def message(command: Callable[..., None]) -> Callable[..., None]:
    """Give a ``MessageCommand`` the options of a message, and hand it over as ``draft``."""

    @wraps(command)
    def composed(*args: Any, **given: Any) -> None:
        own = {name: given.pop(name) for name in _NAMES}
        command(*args, draft=_read_draft(own), **given)

    for option in reversed(_OPTIONS):
        composed = option(composed)
    return composed


def _read_draft(given: Mapping[str, Any]) -> Draft:
    attachments = Attachments()
    media = _read_media(given, attachments)
    copied: CopiedMessage | None = given["copied"]
    source = MessageSource(
        text=_read_text(given["text"], given["file"], optional=bool(media or copied)),
        parse_mode=ParseMode(given["parse_mode"]),
        buttons=given["buttons"],
        media=media,
        copied=copied,
        options=SendOptions(
            protect=given["protect"],
            silent=given["silent"],
            link_preview=LinkPreview(is_disabled=True) if given["no_preview"] else None,
            effect_id=given["effect_id"],
            caption_above=given["caption_above"],
        ),
    )
    variants = {tag: replace(source, text=text) for tag, text in given["variants"].items()}
    return Draft(replace(source, variants=variants), attachments)


def _read_text(text: str | None, file: TextIO | None, *, optional: bool) -> str:
    if text is None and file is None and optional:
        return ""
    if (text is None) is (file is None):
        raise click.UsageError("Give the message with --text or with --file, one of them.")
    if file is None:
        return text or ""
    try:
        return file.read()
    except UnicodeDecodeError:
        raise click.BadParameter(f"{file.name} isn't UTF-8 text.", param_hint="--file") from None


def _read_media(given: Mapping[str, Any], attachments: Attachments) -> tuple[Medium, ...]:
    references = {kind: iter(given[kind.value]) for kind in MediaKind}
    order = get_current_context().meta[_ORDER]
    kinds = [MediaKind(name) for name in order if name in set(MediaKind)]
    media = (attachments.read(kind, next(references[kind])) for kind in kinds)
    return tuple(replace(medium, spoiler=given["spoiler"]) for medium in media)


def _read_buttons(
    _ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]
) -> ButtonRows:
    rows = []
    for value in values:
        button = read_button(value)
        if button is None:
            raise click.BadParameter(f'{value!r} is not "Text = …", with one of {FORMS}.')
        rows.append((button,))
    return tuple(rows)


def _read_copied(
    _ctx: click.Context, _param: click.Parameter, value: str | None
) -> CopiedMessage | None:
    if value is None:
        return None
    ids = _COPY.fullmatch(value)
    if ids is None:
        raise click.BadParameter(f"{value!r} is not CHAT_ID:MESSAGE_ID, two numbers.")
    return CopiedMessage(ChatId(int(ids[1])), int(ids[2]))


def _read_variants(
    _ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]
) -> Mapping[str, str]:
    texts: dict[str, list[str]] = defaultdict(list)
    for value in values:
        tag, _, path = (part.strip() for part in value.partition("="))
        if not tag or not path:
            raise click.BadParameter(f"{value!r} is not LANG=FILE, such as pt=hello.pt.html.")
        try:
            texts[tag.lower()].append(Path(path).read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            raise click.BadParameter(f"{path} isn't UTF-8 text.") from None
    for tag, wordings in texts.items():
        if len(wordings) > 1:
            raise click.BadParameter(f"{tag} is there {len(wordings)} times.")
    return {tag: wording for tag, (wording,) in texts.items()}


def _flag(name: str, explanation: str) -> Callable[..., Any]:
    return click.option(name, is_flag=True, help=explanation)


def _medium(kind: MediaKind) -> Callable[..., Any]:
    explanation = f"The same, as {kind}."
    if kind is MediaKind.PHOTO:
        explanation = "A photo: a file, an https address, or file_id:…; several are an album."
    return click.option(f"--{kind}", multiple=True, metavar="REF", help=explanation)


_OPTIONS: Sequence[Callable[..., Any]] = [
    click.option("--text", help="The message itself, or the text below what it carries."),
    click.option("--file", type=click.File(encoding="utf-8"), help="A file with it; - for stdin."),
    click.option(
        "--format",
        "parse_mode",
        type=click.Choice([mode.value for mode in ParseMode]),
        default=ParseMode.HTML.value,
        show_default=True,
        help="How the message is marked up.",
    ),
    click.option(
        "--variant",
        "variants",
        multiple=True,
        callback=_read_variants,
        metavar="LANG=FILE",
        help="The text for those whose Telegram speaks that language; the rest stays the same.",
    ),
    click.option(
        "--button",
        "buttons",
        multiple=True,
        callback=_read_buttons,
        metavar='"TEXT = …"',
        help=f"A button in a row of its own: {FORMS}.",
    ),
    *(_medium(kind) for kind in MediaKind),
    click.option(
        "--copy",
        "copied",
        callback=_read_copied,
        metavar="CHAT_ID:MESSAGE_ID",
        help="A message that the bot can see, to be copied as it is.",
    ),
    _flag("--spoiler", "Hide what it carries until it's tapped."),
    _flag("--caption-above", "Show the text above what it carries."),
    _flag("--silent", "Let it arrive without a sound."),
    _flag("--protect", "Let nobody forward or save it."),
    _flag("--no-preview", "Show no preview of a link."),
    click.option("--effect", "effect_id", metavar="ID", help="Play this effect as it arrives."),
]
_NAMES = (
    *("text", "file", "parse_mode", "variants", "buttons", "copied", "effect_id"),
    *("spoiler", "caption_above", "silent", "protect", "no_preview"),
    *(kind.value for kind in MediaKind),
)
