"""What is popular: templates by how many people used them in a window of days."""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from igemoji_mesh.errors import Unavailable

CLOCK_DIFFERENCE = datetime.timedelta(minutes=5)
"""How far ahead the clock of the service that tells of a use may be."""


class NamesUnavailable(Unavailable):
    """The catalogue does not answer, and nothing that it said before is remembered."""


class Window(Enum):
    """How many days back a ranking looks, today included; None: to the beginning."""

    DAY = 1
    WEEK = 7
    MONTH = 30
    ALL = None

    def first_day(self, today: datetime.date) -> datetime.date | None:
        return None if self.value is None else today - datetime.timedelta(days=self.value - 1)


@dataclass(frozen=True)
class Use:
    """A finished task: a user put a template on the faces of a photo."""

    task_id: str
    emoji_id: str
    user_id: str
    used_at: datetime.datetime

    @property
    def day(self) -> datetime.date:
        """In UTC."""
        return self.used_at.astimezone(datetime.UTC).date()


@dataclass(frozen=True)
class Standing:
    """How often a template was used in a window."""

    emoji_id: str
    uses: int


def plausible(used_at: datetime.datetime, now: datetime.datetime) -> datetime.datetime:
    """A time that lies further ahead than clocks differ is taken as now."""
    return now if used_at > now + CLOCK_DIFFERENCE else used_at


def ranked(standings: Sequence[Standing]) -> Iterator[tuple[int, Standing]]:
    """Standings in descending order with their rank from 1: equal uses share one, and the next one skips (1, 1, 3)."""
    rank = 0
    for index, standing in enumerate(standings):
        if index == 0 or standing.uses != standings[index - 1].uses:
            rank = index + 1
        yield rank, standing
