"""Quotas: limits per user on open tasks, photos a day and watched tasks."""

import datetime
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from igemoji_inference.domain.errors import TooManyOpenTasks, TooManyPhotosToday, TooManyWatchers


@dataclass(frozen=True)
class Usage:
    """Usage of one user, and of the queue of all users, at one moment."""

    at: datetime.datetime
    account_is_deleted: bool
    open_tasks: int
    photos_today: int
    """Uploads since midnight, UTC; photos that were deleted count."""
    queued_tasks: int
    """Open tasks of all users."""


@dataclass(frozen=True)
class Quotas:
    """Limits per user."""

    open_tasks: int
    photos_a_day: int
    """From midnight to midnight, UTC."""
    photos_a_day_of_guest: int
    """Guest accounts are free to create, so their quota is lower."""
    watched: int
    """Tasks watched at a time, on one replica."""

    def check(self, usage: Usage, *, guest: bool) -> None:
        """Raise TooManyOpenTasks or TooManyPhotosToday if one more photo would exceed a quota."""
        if usage.open_tasks >= self.open_tasks:
            raise TooManyOpenTasks(self.open_tasks)
        photos = self.photos_a_day_of_guest if guest else self.photos_a_day
        if usage.photos_today >= photos:
            raise TooManyPhotosToday(photos, usage.at)


class WatchLimiter:
    """Count of the tasks that each user watches on this replica."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._watching: Counter[str] = Counter()

    @contextmanager
    def watch(self, user_id: str) -> Iterator[None]:
        """Count one more watched task while the context lasts. Raises TooManyWatchers."""
        if self._watching[user_id] >= self._limit:
            raise TooManyWatchers(self._limit)
        self._watching[user_id] += 1
        try:
            yield
        finally:
            self._watching[user_id] -= 1
            self._watching += Counter()  # drops users who watch nothing
