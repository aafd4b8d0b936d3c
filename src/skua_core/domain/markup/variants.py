"""A message's wordings in other languages."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from skua_core.domain.content import VARIANT_LIMIT, CompiledMessage, MessageSource
from skua_core.domain.markup.expressions import placeholders_in
from skua_core.errors import MessageUnfit, SkuaError, VariantInvalid

_LANGUAGE_TAG = re.compile(r"(?=.{2,35}\Z)[a-z]{2,8}(-[a-z0-9]{1,8})*")
"""The shape of BCP 47, whose longest sensible tags have 35 characters (section 4.4.1)."""


def check_variants(variants: Mapping[str, MessageSource]) -> list[tuple[str, MessageSource]]:
    """In the order of their tags, which are in lower case. Raises MessageUnfit, VariantInvalid."""
    if len(variants) > VARIANT_LIMIT:
        raise MessageUnfit(
            f"it has {len(variants)} wordings in other languages, and {VARIANT_LIMIT} are allowed"
        )
    checked: dict[str, MessageSource] = {}
    for language, wording in variants.items():
        tag = language.lower()
        if not _LANGUAGE_TAG.fullmatch(tag):
            raise VariantInvalid(language, "this is no language tag, such as pt or pt-br.")
        if tag in checked:
            raise VariantInvalid(language, "there is another one for the same language.")
        if wording.variants:
            raise VariantInvalid(language, "it can't have wordings in other languages itself.")
        checked[tag] = wording
    return sorted(checked.items())


@contextmanager
def named_variant(tag: str) -> Iterator[None]:
    """Say of whatever is wrong inside that it's wrong in this wording. Raises VariantInvalid."""
    try:
        yield
    except SkuaError as error:
        raise VariantInvalid(tag, str(error)) from error


def check_placeholders(message: CompiledMessage, variant: CompiledMessage) -> None:
    """What has no default in a message is what it's about, and so must be in every wording.

    Raises MessageUnfit.
    """
    used = {name for slot in variant.slots for name in placeholders_in(slot.expression)}
    missing = sorted(message.required - used)
    if missing:
        names = ", ".join(f"{{{{ {name} }}}}" for name in missing)
        raise MessageUnfit(
            f"it lacks {names}, which the main wording has; use it here too, or give it a "
            "default there"
        )
