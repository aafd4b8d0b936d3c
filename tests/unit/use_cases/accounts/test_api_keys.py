"""API keys: made by people, shown once, used by programs while they are good."""

from datetime import datetime, timedelta

import pytest

from skua_adapters._memory.tables import OpenTable
from skua_core.domain.bot import Bot, make_public_id
from skua_core.domain.handles import is_api_key
from skua_core.domain.session import KeyAccess
from skua_core.errors import (
    BotForbidden,
    ExpiryInvalid,
    ItemNotFound,
    KeyNotAllowed,
    NameInvalid,
    NotSignedIn,
    StepUpRequired,
)
from skua_core.ids import BotId, UserId
from skua_core.use_cases.accounts.api_keys import (
    AuthenticateKey,
    AuthenticateKeyCommand,
    CreateApiKey,
    CreateApiKeyCommand,
    CreatedKey,
    ListApiKeys,
    ListApiKeysQuery,
    RemoveApiKey,
    RemoveApiKeyCommand,
)
from skua_core.use_cases.accounts.signed_in import SignedIn
from tests.unit.use_cases.accounts.house import ANA, HOME, START, House, at

NOBODYS = "01900000-0000-7000-8000-00000000000a"


class Desk:
    def __init__(self) -> None:
        self.house = House()
        storage = self.house.storage
        self._create = CreateApiKey(
            storage=storage, platform=self.house.platform, ids=self.house.ids
        )
        self._list = ListApiKeys(storage=storage)
        self._remove = RemoveApiKey(storage=storage)
        self._authenticate = AuthenticateKey(storage=storage)
        self.ana: SignedIn

    async def create(
        self,
        name: str = "reports",
        *,
        bots: tuple[str, ...] | None = None,
        expires_at: datetime | None = None,
    ) -> CreatedKey:
        return await self._create(
            CreateApiKeyCommand(
                signed_in=self.ana,
                name=name,
                access=KeyAccess.READ,
                bots=bots,
                expires_at=expires_at,
            )
        )

    async def names(self) -> list[str]:
        return [key.name for key in await self._list(ListApiKeysQuery(signed_in=self.ana))]

    async def remove(self, key_id: str) -> None:
        await self._remove(RemoveApiKeyCommand(signed_in=self.ana, key_id=key_id))

    async def use(self, text: str) -> SignedIn:
        return await self._authenticate(AuthenticateKeyCommand(text=text, caller=at()))

    def add_bot(self, slug: str, owner_id: UserId) -> BotId:
        bot = Bot(
            id=BotId(self.house.ids.new()),
            slug=slug,
            public_id=make_public_id(),
            name=slug,
            owner_id=owner_id,
            created_at=START,
            updated_at=START,
        )
        bots = OpenTable(self.house.memory.bots)
        bots.put(bot.id, bot)
        bots.apply()
        return bot.id


@pytest.fixture
async def desk() -> Desk:
    desk = Desk()
    await desk.house.register()
    desk.ana = (await desk.house.log_in()).signed_in
    return desk


async def test_a_key_is_its_user_and_no_person(desk: Desk) -> None:
    created = await desk.create()

    signed_in = await desk.use(created.secret.reveal())

    assert (signed_in.user.login, signed_in.actor.ip) == (ANA, HOME)
    assert signed_in.key == created.key
    with pytest.raises(KeyNotAllowed):
        signed_in.as_person()
    with pytest.raises(StepUpRequired):
        signed_in.require_step_up(START)


async def test_a_key_is_shown_once_and_never_stored(desk: Desk) -> None:
    created = await desk.create()
    text = created.secret.reveal()

    assert is_api_key(text)
    assert text.startswith("skua_")
    rows = list(OpenTable(desk.house.memory.accounts.api_keys).values())
    assert text not in repr([created, rows, AuthenticateKeyCommand(text=text, caller=at())])
    last = (await desk.house.audited(desk.ana.user.id))[-1]
    assert last.action == "account.api_key_created"
    assert text not in repr(last)


@pytest.mark.parametrize(
    "text", ["", "skua_", "skua_" + "x" * 43, "Skua_" + "A" * 43, "skua_" + "é" * 43, "\ud800"]
)
async def test_what_is_no_key_signs_nobody_in(desk: Desk, text: str) -> None:
    await desk.create()

    with pytest.raises(NotSignedIn):
        await desk.use(text)


async def test_a_key_is_good_until_its_end(desk: Desk) -> None:
    text = (await desk.create(expires_at=START + timedelta(days=1))).secret.reveal()

    desk.house.wait(days=1, seconds=-1)
    assert await desk.use(text)
    desk.house.wait(seconds=1)

    with pytest.raises(NotSignedIn):
        await desk.use(text)


@pytest.mark.parametrize("seconds", [0, -1])
async def test_no_key_is_made_that_is_over_already(desk: Desk, seconds: int) -> None:
    with pytest.raises(ExpiryInvalid):
        await desk.create(expires_at=START + timedelta(seconds=seconds))


async def test_a_disabled_user_s_keys_are_worth_nothing(desk: Desk) -> None:
    text = (await desk.create()).secret.reveal()

    await desk.house.change(desk.ana.user.id, disabled_at=START)

    with pytest.raises(NotSignedIn):
        await desk.use(text)


async def test_when_it_was_used_is_noted_once_a_minute(desk: Desk) -> None:
    text = (await desk.create()).secret.reveal()
    noted = []
    for _ in range(3):
        desk.house.wait(seconds=40)
        await desk.use(text)
        [row] = OpenTable(desk.house.memory.accounts.api_keys).values()
        noted.append(row.last_used_at)

    assert noted[0] == START + timedelta(seconds=40)
    assert noted[1] == noted[0]
    assert noted[2] == START + timedelta(seconds=120)


async def test_a_removed_key_is_worth_nothing(desk: Desk) -> None:
    created, _ = await desk.create(), await desk.create("import")
    assert sorted(await desk.names()) == ["import", "reports"]

    await desk.remove(str(created.key.id))

    assert await desk.names() == ["import"]
    assert (await desk.house.audited(desk.ana.user.id))[-1].action == "account.api_key_removed"
    with pytest.raises(NotSignedIn):
        await desk.use(created.secret.reveal())
    with pytest.raises(ItemNotFound):
        await desk.remove(str(created.key.id))


@pytest.mark.parametrize("key_id", ["", "1", NOBODYS, "\ud800"])
async def test_there_is_no_such_key(desk: Desk, key_id: str) -> None:
    with pytest.raises(ItemNotFound):
        await desk.remove(key_id)


async def test_nobody_removes_a_key_of_somebody_else(desk: Desk) -> None:
    created = await desk.create()
    await desk.house.register("ben@example.org")
    desk.ana = (await desk.house.log_in(email="ben@example.org")).signed_in

    with pytest.raises(ItemNotFound):
        await desk.remove(str(created.key.id))
    assert await desk.use(created.secret.reveal())


async def test_a_key_is_for_the_bots_it_names(desk: Desk) -> None:
    shop = desk.add_bot("shop-abcde", desk.ana.user.id)
    desk.add_bot("club-abcde", desk.ana.user.id)

    assert (await desk.create(bots=("shop-abcde", "shop-abcde"))).key.bots == (shop,)
    assert (await desk.create(bots=())).key.bots == ()
    assert (await desk.create()).key.bots is None


@pytest.mark.parametrize("slug", ["bens-abcde", "nobodys-abcde", "", "\ud800"])
async def test_a_bot_that_is_not_ones_own_and_one_that_is_none_are_the_same(
    desk: Desk, slug: str
) -> None:
    desk.add_bot("shop-abcde", desk.ana.user.id)
    desk.add_bot("bens-abcde", UserId(desk.house.ids.new()))

    with pytest.raises(BotForbidden):
        await desk.create(bots=("shop-abcde", slug))
    assert not await desk.names()


@pytest.mark.parametrize("name", ["", " ", "a" * 1000, "two\nlines"])
async def test_a_key_has_a_name_that_can_be_listed(desk: Desk, name: str) -> None:
    with pytest.raises(NameInvalid):
        await desk.create(name)


async def test_making_one_takes_the_password_again(desk: Desk) -> None:
    desk.house.wait(minutes=15)
    with pytest.raises(StepUpRequired):
        await desk.create()

    desk.ana = await desk.use(await _key_after_step_up(desk))
    with pytest.raises(StepUpRequired):
        await desk.create()
    with pytest.raises(KeyNotAllowed):
        await desk.names()


async def _key_after_step_up(desk: Desk) -> str:
    await desk.house.prove_again(desk.ana)
    desk.ana = (await desk.house.log_in()).signed_in
    return (await desk.create()).secret.reveal()
