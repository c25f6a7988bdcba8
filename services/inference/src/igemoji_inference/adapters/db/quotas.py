"""How much one user may ask for: open tasks, photos a day, tasks watched at a time."""

import datetime
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from igemoji_inference.adapters.db import tasks
from igemoji_inference.adapters.db.tasks import daily_photos
from igemoji_inference.domain.model import TooManyOpenTasks, TooManyPhotosToday, TooManyWatchers


@dataclass(frozen=True)
class Quotas:
    """Of one user."""

    open_tasks: int
    photos_a_day: int
    """From midnight to midnight, UTC."""
    photos_a_day_of_guest: int
    """Anybody can be a guest, and another one: theirs are fewer."""
    watched: int
    """Tasks at a time, on one replica."""

    def photos(self, *, guest: bool) -> int:
        return self.photos_a_day_of_guest if guest else self.photos_a_day


@dataclass(frozen=True)
class Used:
    """What a user has asked for."""

    open_tasks: int
    photos: int
    day: datetime.date
    """Of the photos."""


def check(connection: sa.Connection, quotas: Quotas, user_id: str, now: datetime.datetime, *, guest: bool) -> Used:
    """Raises TooManyOpenTasks or TooManyPhotosToday where one more photo would be beyond."""
    used = Used(tasks.count_open(connection, user_id), _photos_of(connection, user_id, now.date()), now.date())
    if used.open_tasks >= quotas.open_tasks:
        raise TooManyOpenTasks(quotas.open_tasks)
    if used.photos >= quotas.photos(guest=guest):
        raise TooManyPhotosToday(quotas.photos(guest=guest), now)
    return used


def count_photo(connection: sa.Connection, user_id: str, used: Used) -> None:
    """In the transaction that stores a task, behind its user's gate."""
    if used.photos:
        mine = sa.and_(daily_photos.c.user_id == user_id, daily_photos.c.day == used.day)
        connection.execute(daily_photos.update().where(mine).values(photos=used.photos + 1))
    else:
        connection.execute(daily_photos.insert().values(user_id=user_id, day=used.day, photos=1))


def forget_days(connection: sa.Connection, before: datetime.date) -> None:
    connection.execute(daily_photos.delete().where(daily_photos.c.day < before))


def forget_user(connection: sa.Connection, user_id: str) -> None:
    connection.execute(daily_photos.delete().where(daily_photos.c.user_id == user_id))


def _photos_of(connection: sa.Connection, user_id: str, day: datetime.date) -> int:
    mine = sa.and_(daily_photos.c.user_id == user_id, daily_photos.c.day == day)
    return connection.execute(sa.select(daily_photos.c.photos).where(mine)).scalar() or 0


class Watchers:
    """Who watches on this replica."""

    def __init__(self, most: int) -> None:
        """`most` tasks of one user at a time."""
        self._most = most
        self._watching: Counter[str] = Counter()

    @contextmanager
    def one_more(self, user_id: str) -> Iterator[None]:
        """Raises TooManyWatchers."""
        if self._watching[user_id] >= self._most:
            raise TooManyWatchers(self._most)
        self._watching[user_id] += 1
        try:
            yield
        finally:
            self._watching[user_id] -= 1
            self._watching += Counter()  # leaves out who has none left
