"""What a broadcast will be, shown before it is sent."""

from collections.abc import Iterator, Sequence

from skua_app.cli.buttons import deed_of
from skua_app.cli.composing import Draft
from skua_app.cli.output import count, duration
from skua_app.cli.plain import clean, say
from skua_app.cli.planning import Plan, Preview
from skua_app.cli.showing import EXCLUDED
from skua_core.domain.content import SendOptions
from skua_core.domain.media import Medium
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.preflight import Preflight

_LONGEST_NAME = 60
_KILOBYTE = 1024


def show(plan: Plan, draft: Draft, access: BotAccess) -> None:
    show_messages(plan.previews, draft, access)
    for line in _prospects(plan.preflight):
        say(line)


def show_messages(previews: Sequence[Preview], draft: Draft, access: BotAccess) -> None:
    for preview in previews:
        if preview.language:
            say(f"In {preview.language}, as {preview.shown_to} would get it:")
        else:
            say(f"From {access.bot.slug}, as {preview.shown_to} would get it:")
        say()
        for line in _lines(preview, draft):
            say(f"    {clean(line)}")
        say()
    manner = ", ".join(_manner(draft.source.options))
    if manner:
        say(f"It {manner}.")


def _prospects(preflight: Preflight) -> Iterator[str]:
    """Who gets it, how long it takes, what it costs, and what will look odd."""
    people = count(preflight.recipients, "subscriber")
    yield f"To {people}, in about {duration(preflight.seconds)}."
    left_out = ", ".join(
        f"{number:,} {EXCLUDED[status]}" for status, number in preflight.excluded.items()
    )
    if left_out:
        yield f"Not to {left_out}."
    for wording in preflight.wordings:
        if wording.language:
            yield f"{wording.recipients:,} of them get it in {wording.language}."
        for placeholder, number in sorted(wording.gaps.items()):
            yield f"It leaves a gap for {number:,} who have no {placeholder}."
    if preflight.unrenderable:
        failing = sum(preflight.unrenderable.values())
        yield (
            f"{failing:,} of the first {preflight.tried:,} would get nothing:"
            f" {', '.join(sorted(preflight.unrenderable))}."
        )
    if preflight.price is not None:
        balance = preflight.price.balance
        has = "" if balance is None else f"; the bot has {balance:,}"
        yield f"Telegram charges up to about {preflight.price.stars:,} Stars for it{has}."


def name_for(previews: Sequence[Preview], draft: Draft) -> str:
    """For a campaign that nobody has named: by the first line, or by what it carries."""
    message = previews[0].message
    carried = (_named(medium, draft) for medium in message.media)
    candidates = (*message.text.splitlines(), *carried, *_copied(previews[0]))
    name = next((line.strip() for line in candidates if line.strip()), "")
    return clean(name)[:_LONGEST_NAME].strip()


def _lines(preview: Preview, draft: Draft) -> Iterator[str]:
    message = preview.message
    if message.options.caption_above:
        yield from message.text.splitlines()
    for medium in message.media:
        yield _named(medium, draft) + _facts_of(medium, draft)
    yield from _copied(preview)
    if not message.options.caption_above:
        yield from message.text.splitlines()
    for row in draft.source.buttons:
        for button in row:
            yield f"[ {button.text} ] {deed_of(button)}"


def _named(medium: Medium, draft: Draft) -> str:
    file = draft.attachments.file(medium)
    return f"{medium.kind} {file.path.name if file else medium.url or medium.file_id}"


def _facts_of(medium: Medium, draft: Draft) -> str:
    file = draft.attachments.file(medium)
    size = f" ({max(1, round(file.size / _KILOBYTE)):,} KB)" if file else ""
    return f"{size}, hidden as a spoiler" if medium.spoiler else size


def _copied(preview: Preview) -> Iterator[str]:
    copied = preview.message.copied
    if copied is not None:
        yield f"copy of message {copied.message_id} in chat {copied.chat_id}"


def _manner(options: SendOptions) -> Iterator[str]:
    """How it arrives, where that isn't as usual."""
    if options.silent:
        yield "arrives without a sound"
    if options.protect:
        yield "can't be forwarded or saved"
    if options.link_preview is not None and options.link_preview.is_disabled:
        yield "shows no preview of a link"
    if options.effect_id is not None:
        yield f"plays effect {options.effect_id}"
