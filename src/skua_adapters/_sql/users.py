"""Users as rows and as entities."""

from skua_adapters._sql.tables import UserRow
from skua_core.domain.user import User
from skua_core.ids import UserId


def user_of(row: UserRow) -> User:
    return User(
        id=UserId(row.id),
        login=row.login,
        name=row.name,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        local_login=row.local_login,
    )
