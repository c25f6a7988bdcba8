"""The groups of calls for threads: each method is that of the same name in the group for asyncio."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from pathlib import Path
from typing import Literal, ParamSpec, TypeVar

from anyio.from_thread import BlockingPortal

from igemoji_client.async_client import AsyncClient
from igemoji_client.models import (
    Box,
    Decision,
    Deletion,
    Expression,
    Picture,
    Pictures,
    Reported,
    ReportReason,
    Result,
    Session,
    Share,
    Shared,
    Sort,
    Task,
    Template,
    TemplatePage,
    User,
    Visibility,
)
from igemoji_client.tasks import WATCH_SECONDS
from igemoji_client.uploads import Progress

P = ParamSpec("P")
T = TypeVar("T")


class Loop:
    """Runs what is asynchronous in the loop's thread, for as many threads as ask."""

    def __init__(self, portal: BlockingPortal) -> None:
        self._portal = portal

    def run(self, method: Callable[P, Awaitable[T]], *args: P.args, **options: P.kwargs) -> T:
        async def call() -> T:
            return await method(*args, **options)

        return self._portal.call(call)

    def iterate(self, items: AsyncGenerator[T, None]) -> Generator[T, None, None]:
        async def following() -> tuple[T, ...]:
            async for item in items:
                return (item,)
            return ()

        try:
            while item := self._portal.call(following):
                yield item[0]
        finally:
            self._portal.call(items.aclose)


class Accounts:
    def __init__(self, loop: Loop, client: AsyncClient) -> None:
        self._loop = loop
        self._own = client.accounts

    def register(self, email: str, password: str, alias: str, *, idempotency_key: str | None = None) -> User:
        return self._loop.run(self._own.register, email, password, alias, idempotency_key=idempotency_key)

    def log_in(self, email: str, password: str) -> Session:
        return self._loop.run(self._own.log_in, email, password)

    def start_guest(self) -> Session:
        return self._loop.run(self._own.start_guest)

    def log_out(self) -> None:
        self._loop.run(self._own.log_out)

    def is_available(self, case: Literal["email", "alias"], value: str) -> bool:
        return self._loop.run(self._own.is_available, case, value)

    def me(self) -> User:
        return self._loop.run(self._own.me)

    def rename(self, alias: str) -> User:
        return self._loop.run(self._own.rename, alias)

    def change_password(self, current: str, new: str) -> Session:
        return self._loop.run(self._own.change_password, current, new)

    def request_password_reset(self, email: str) -> None:
        self._loop.run(self._own.request_password_reset, email)

    def confirm_password_reset(self, token: str, new_password: str) -> None:
        self._loop.run(self._own.confirm_password_reset, token, new_password)

    def export(self, path: Path) -> None:
        self._loop.run(self._own.export, path)

    def delete(self) -> Deletion:
        return self._loop.run(self._own.delete)

    def deletion(self, deletion_id: str) -> Deletion:
        return self._loop.run(self._own.deletion, deletion_id)

    def wait_deleted(self, deletion_id: str, *, timeout_seconds: float = 60.0) -> Deletion:
        return self._loop.run(self._own.wait_deleted, deletion_id, timeout_seconds=timeout_seconds)

    def results(self) -> Generator[Result, None, None]:
        return self._loop.iterate(self._own.results())

    def uploads(self) -> Generator[Template, None, None]:
        return self._loop.iterate(self._own.uploads())


class Templates:
    def __init__(self, loop: Loop, client: AsyncClient) -> None:
        self._loop = loop
        self._own = client.templates

    def create(
        self,
        name: str,
        pictures: Pictures | None = None,
        *,
        base_id: str = "",
        tags: Sequence[str] = (),
        visibility: Visibility = "public",
        keep_background: bool = False,
        idempotency_key: str | None = None,
    ) -> Template:
        return self._loop.run(
            self._own.create,
            name,
            pictures,
            base_id=base_id,
            tags=tags,
            visibility=visibility,
            keep_background=keep_background,
            idempotency_key=idempotency_key,
        )

    def preview(self, picture: Picture, *, keep_background: bool = False) -> bytes:
        return self._loop.run(self._own.preview, picture, keep_background=keep_background)

    def get(self, template_id: str) -> Template:
        return self._loop.run(self._own.get, template_id)

    def page(
        self,
        number: int = 1,
        *,
        q: str = "",
        tag: str = "",
        sort: Sort = "new",
        owner_id: str = "",
        favorites_only: bool = False,
        page_token: str = "",
    ) -> TemplatePage:
        return self._loop.run(
            self._own.page,
            number,
            q=q,
            tag=tag,
            sort=sort,
            owner_id=owner_id,
            favorites_only=favorites_only,
            page_token=page_token,
        )

    def list(
        self, *, q: str = "", tag: str = "", sort: Sort = "new", owner_id: str = "", favorites_only: bool = False
    ) -> Generator[Template, None, None]:
        found = self._own.list(q=q, tag=tag, sort=sort, owner_id=owner_id, favorites_only=favorites_only)
        return self._loop.iterate(found)

    def update(
        self,
        template_id: str,
        *,
        etag: str,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        visibility: Visibility | None = None,
        pictures: Pictures | None = None,
        keep_background: bool = False,
    ) -> Template:
        return self._loop.run(
            self._own.update,
            template_id,
            etag=etag,
            name=name,
            tags=tags,
            visibility=visibility,
            pictures=pictures,
            keep_background=keep_background,
        )

    def delete(self, template_id: str) -> None:
        self._loop.run(self._own.delete, template_id)

    def add_favorite(self, template_id: str) -> None:
        self._loop.run(self._own.add_favorite, template_id)

    def remove_favorite(self, template_id: str) -> None:
        self._loop.run(self._own.remove_favorite, template_id)

    def report(self, template_id: str, reason: ReportReason, comment: str = "") -> None:
        self._loop.run(self._own.report, template_id, reason, comment)

    def picture(self, template: Template, expression: Expression) -> bytes:
        return self._loop.run(self._own.picture, template, expression)


class Tasks:
    def __init__(self, loop: Loop, client: AsyncClient) -> None:
        self._loop = loop
        self._own = client.tasks

    def create(
        self,
        photo: Picture,
        template_id: str,
        *,
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
    ) -> str:
        """`on_progress` is called in the loop's thread."""
        return self._loop.run(
            self._own.create, photo, template_id, on_progress=on_progress, idempotency_key=idempotency_key
        )

    def get(self, task_id: str) -> Task:
        return self._loop.run(self._own.get, task_id)

    def watch(self, task_id: str, *, timeout_seconds: float = WATCH_SECONDS) -> Generator[Task, None, None]:
        return self._loop.iterate(self._own.watch(task_id, timeout_seconds=timeout_seconds))

    def wait(self, task_id: str, *, timeout_seconds: float = WATCH_SECONDS) -> Task:
        return self._loop.run(self._own.wait, task_id, timeout_seconds=timeout_seconds)

    def cancel(self, task_id: str) -> Task:
        return self._loop.run(self._own.cancel, task_id)

    def delete(self, task_id: str) -> None:
        self._loop.run(self._own.delete, task_id)

    def result_image(self, task_id: str) -> bytes:
        return self._loop.run(self._own.result_image, task_id)

    def save_result(self, task_id: str, path: Path) -> None:
        self._loop.run(self._own.save_result, task_id, path)

    def revise_face(
        self, task_id: str, face: int, *, expression: Expression | None = None, covered: bool | None = None
    ) -> Task:
        return self._loop.run(self._own.revise_face, task_id, face, expression=expression, covered=covered)

    def add_face(self, task_id: str, box: Box, *, idempotency_key: str | None = None) -> Task:
        return self._loop.run(self._own.add_face, task_id, box, idempotency_key=idempotency_key)

    def share(self, task_id: str, *, days: int = 7, idempotency_key: str | None = None) -> Share:
        return self._loop.run(self._own.share, task_id, days=days, idempotency_key=idempotency_key)

    def unshare(self, task_id: str) -> None:
        self._loop.run(self._own.unshare, task_id)

    def shared(self, token: str) -> Shared:
        return self._loop.run(self._own.shared, token)

    def shared_image(self, token: str) -> bytes:
        return self._loop.run(self._own.shared_image, token)


class Moderation:
    def __init__(self, loop: Loop, client: AsyncClient) -> None:
        self._loop = loop
        self._own = client.moderation

    def reports(self, *, decided: bool = False) -> Generator[Reported, None, None]:
        return self._loop.iterate(self._own.reports(decided=decided))

    def decide(self, template_id: str, decision: Decision) -> None:
        self._loop.run(self._own.decide, template_id, decision)
