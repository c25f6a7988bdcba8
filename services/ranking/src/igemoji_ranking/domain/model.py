"""Uses of templates, windows of days, ranks."""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

CLOCK_SKEW = datetime.timedelta(minutes=5)
"""How far the clock of inference may be ahead."""


class Window(Enum):
    """Period over which uses are counted: a number of days that ends today; None: from the beginning."""

    DAY = 1
    WEEK = 7
    MONTH = 30
    ALL = None

    def first_day(self, today: datetime.date) -> datetime.date | None:
        """Return the first day of the window; None if there is none."""
        return None if self.value is None else today - datetime.timedelta(days=self.value - 1)


@dataclass(frozen=True)
class Use:
    """A finished task: a user covered the faces of a photo with a template."""

    task_id: str
    emoji_id: str
    user_id: str
    used_at: datetime.datetime

    @property
    def day(self) -> datetime.date:
        """The day in UTC."""
        return self.used_at.astimezone(datetime.UTC).date()


@dataclass(frozen=True)
class UseCount:
    """Number of uses of a template in a window."""

    emoji_id: str
    uses: int


def plausible(used_at: datetime.datetime, now: datetime.datetime) -> datetime.datetime:
    """Return `used_at`, or `now` if it is further in the future than clocks differ."""
    return now if used_at > now + CLOCK_SKEW else used_at


def ranked(counts: Sequence[UseCount]) -> Iterator[tuple[int, UseCount]]:
    """Yield counts, given in descending order, with their ranks; equal counts share a rank: 1, 1, 3."""
    rank = 0
    for index, count in enumerate(counts):
        if index == 0 or count.uses != counts[index - 1].uses:
            rank = index + 1
        yield rank, count
