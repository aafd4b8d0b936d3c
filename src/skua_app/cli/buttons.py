"""Buttons as they are written on the command line, and as they are shown there."""

import re

from skua_core.domain.content import CopyText, InlineButton

FORMS = "https://…, copy:CODE, answer:WORDS, alert:WORDS, tag:TAG, or tag:TAG, answer:WORDS"
_TAG = re.compile(r"tag:(?P<tag>.*?)(?:,\s*(?P<answer>(?:answer|alert):.*))?", re.DOTALL)


def read_button(written: str) -> InlineButton | None:
    """``TEXT = WHAT IT DOES``; None for what isn't so. What it does is checked by the renderer."""
    text, _, deed = (part.strip() for part in written.partition("="))
    if not text or not deed:
        return None
    tagging = _TAG.fullmatch(deed)
    if tagging is None:
        return _read_answer(text, deed) or _read_plain(text, deed)
    tag = tagging["tag"].strip()
    if tagging["answer"] is None:
        return InlineButton(text, tag=tag)
    return _read_answer(text, tagging["answer"], tag=tag)


def _read_answer(text: str, deed: str, *, tag: str | None = None) -> InlineButton | None:
    kind, colon, words = deed.partition(":")
    if not colon or kind not in {"answer", "alert"}:
        return None
    return InlineButton(text, answer=words.strip(), alert=kind == "alert", tag=tag)


def _read_plain(text: str, deed: str) -> InlineButton:
    if deed.startswith("copy:"):
        return InlineButton(text, copy_text=CopyText(deed.removeprefix("copy:").strip()))
    return InlineButton(text, url=deed)


def deed_of(button: InlineButton) -> str:
    """What pressing it does."""
    if button.url is not None:
        return button.url
    if button.copy_text is not None:
        return f"copies {button.copy_text.text}"
    deeds = []
    if button.tag is not None:
        deeds.append(f"tags {button.tag}")
    if button.answer is not None:
        deeds.append(f"{'alerts' if button.alert else 'answers'} {button.answer}")
    return ", ".join(deeds)
