"""Attempts to prove an address."""

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from skua_adapters._sql.tables import ChallengeRow
from skua_core.domain.account import PasswordHash
from skua_core.domain.challenge import Challenge, ChallengePurpose
from skua_core.ids import UserId
from skua_core.ports.account_storage import ChallengeRepository


class PostgresChallengeRepository(ChallengeRepository):
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, challenge: Challenge) -> None:
        await self._session.execute(
            insert(ChallengeRow).values(
                handle_hash=challenge.handle_hash,
                purpose=challenge.purpose.value,
                login=challenge.login,
                created_at=challenge.created_at,
                user_id=challenge.user_id,
                name=challenge.name,
                **_changing(challenge),
            )
        )

    async def lock(self, handle_hash: bytes) -> Challenge | None:
        this = ChallengeRow.handle_hash == handle_hash
        about = await self._session.execute(
            select(ChallengeRow.purpose, ChallengeRow.login).where(this)
        )
        for purpose, login in about:
            await self._hold(purpose, login)
        row = await self._session.scalar(
            select(ChallengeRow)
            .where(this)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
        return None if row is None else _challenge_of(row)

    async def save(self, challenge: Challenge) -> None:
        await self._session.execute(
            update(ChallengeRow)
            .where(ChallengeRow.handle_hash == challenge.handle_hash)
            .values(**_changing(challenge))
            .execution_options(synchronize_session=False)
        )

    async def close_others(
        self, purpose: ChallengePurpose, login: str, *, but: bytes | None = None
    ) -> None:
        await self._hold(purpose.value, login)
        others = (
            update(ChallengeRow)
            .where(
                ChallengeRow.purpose == purpose.value,
                ChallengeRow.login == login,
                ChallengeRow.closed.is_(False),
            )
            .values(closed=True)
            .execution_options(synchronize_session=False)
        )
        if but is not None:
            others = others.where(ChallengeRow.handle_hash != but)
        await self._session.execute(others)

    async def _hold(self, purpose: str, login: str) -> None:
        """Be alone with what this address has to prove, until the unit ends.

        By rows, two that close each other's would wait in a circle.
        """
        name = f"skua.challenges:{purpose}:{login}"
        await self._session.execute(
            select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0)))
        )


def _changing(challenge: Challenge) -> dict[str, object]:
    return {
        "code_mac": challenge.code_mac,
        "expires_at": challenge.expires_at,
        "tries": challenge.tries,
        "closed": challenge.closed,
        "password_hash": None if challenge.password is None else challenge.password.value,
    }


def _challenge_of(row: ChallengeRow) -> Challenge:
    return Challenge(
        handle_hash=row.handle_hash,
        purpose=ChallengePurpose(row.purpose),
        login=row.login,
        code_mac=row.code_mac,
        expires_at=row.expires_at,
        created_at=row.created_at,
        tries=row.tries,
        closed=row.closed,
        user_id=None if row.user_id is None else UserId(row.user_id),
        name=row.name,
        password=None if row.password_hash is None else PasswordHash(row.password_hash),
    )
