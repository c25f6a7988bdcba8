"""Ports of the use cases: they keep SQL and gRPC out."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from igemoji_ranking.domain.model import Use, UseCount, Window

Now = Callable[[], datetime.datetime]

TemplateT_co = TypeVar("TemplateT_co", covariant=True)
"""A template as the catalog describes it. The ranking passes it on and reads nothing in it."""


class UseCountStore(Protocol):
    """Counts uses by template and day. Its changes are idempotent."""

    async def record(self, use: Use, today: datetime.date) -> None:
        """Count a use: once per task, and once per user, template and day."""

    async def forget(self, emoji_id: str) -> None:
        """Remove a template; later uses of it are ignored."""

    async def set_shown(self, emoji_id: str, shown: bool, revision: int) -> None:
        """Show or hide a template, unless a newer revision is known."""

    async def remove_user(self, user_id: str) -> None:
        """Remove the uses of a user; later ones are ignored."""

    async def top(self, window: Window, today: datetime.date, limit: int, offset: int) -> list[UseCount]:
        """Return the templates used most in a window that ends today; ties by first use, then by id."""

    async def pending_totals(self, limit: int) -> dict[str, int]:
        """Return totals by template that have changed since they were published."""

    async def mark_published(self, published: Mapping[str, int]) -> None:
        """Remove pending totals; one that has changed in the meantime stays."""


@dataclass(frozen=True)
class Lookup(Generic[TemplateT_co]):
    """Answer of the catalog."""

    found: Mapping[str, TemplateT_co]
    """Templates by id, without deleted ones."""
    complete: bool
    """False if the catalog did not answer: these come from the cache."""


class Catalog(Protocol[TemplateT_co]):
    """Reads templates from emoji_catalog, with a cache, and publishes use counts to it."""

    async def look_up(self, ids: Sequence[str]) -> Lookup[TemplateT_co]:
        """Return templates, from the cache while it is fresh or the catalog does not answer."""

    def forget(self, emoji_id: str) -> None:
        """Cache that a template is deleted."""

    def invalidate(self, emoji_id: str) -> None:
        """Remove a template from the cache."""

    async def update_use_counts(self, totals: Mapping[str, int]) -> bool:
        """Publish totals by template; return False if the catalog did not answer."""
