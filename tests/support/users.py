"""Users of tests and benchmarks, on the Python client: accounts, guests, templates, uploads, watching."""

import asyncio
import base64
import io
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image
from skimage import data

from igemoji_client import EXPRESSIONS, AsyncClient, Options, Session, Task, Template, User
from igemoji_mesh.ids import new_id

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
ASSETS = ROOT / "assets" / "build"
PEOPLE_PHOTO = ROOT / "assets" / "node_modules" / "@vladmandic" / "face-api" / "demo" / "sample1.jpg"
"""A photo of three people, 1920 x 1280."""
FACE_CENTER = (225, 118)
"""Center of the face in the astronaut's photo of 512 x 512."""
NO_RETRIES = Options(tries=1)
CONCURRENT_CALLS = 8


@dataclass(frozen=True)
class Account:
    """E-mail address, password and alias of an account."""

    email: str
    password: str
    alias: str

    @property
    def registration(self) -> dict[str, str]:
        """Return the body of a registration."""
        return asdict(self)

    @property
    def login(self) -> dict[str, str]:
        """Return the body of a login."""
        return {"email": self.email, "password": self.password}


def new_account(prefix: str = "u") -> Account:
    """Return an account that no other test uses; its alias starts with `prefix`."""
    name = new_id().replace("-", "")[-12:]
    return Account(f"{name}@example.org", f"password of {name}", prefix + name)


def client_with(url: str, token: str, options: Options = NO_RETRIES) -> AsyncClient:
    """Return a client that is logged in with an access token, without a refresh token."""
    session = Session(access_token=token, expires_in=3600, user=User(id=""))
    return AsyncClient(url, session=session, options=options)


async def register(client: AsyncClient, account: Account | None = None) -> Account:
    """Register an account and log in."""
    account = account or new_account()
    await client.accounts.register(account.email, account.password, account.alias)
    await client.accounts.log_in(account.email, account.password)
    return account


async def create_guests(url: str, count: int) -> list[Session]:
    """Return the sessions of new guests."""

    async def create(client: AsyncClient) -> Session:
        return await client.accounts.start_guest()

    return await _concurrently(url, count, create)


async def create_accounts(url: str, count: int) -> list[Account]:
    """Register new accounts."""

    async def create(client: AsyncClient) -> Account:
        account = new_account()
        await client.accounts.register(account.email, account.password, account.alias)
        return account

    return await _concurrently(url, count, create)


async def first_template(client: AsyncClient) -> Template:
    """Return the first template of the catalog."""
    return (await client.templates.page()).emojis[0]


def template_pictures(folder: str = "zoo") -> dict[Any, Path]:
    """Return the files of a built-in template, by expression."""
    return {expression: ASSETS / "templates" / folder / f"{expression}.png" for expression in EXPRESSIONS}


def encoded_pictures(folder: str = "zoo") -> dict[str, str]:
    """Return the pictures of a built-in template in base64, by expression, as the API takes them."""
    return {name: base64.b64encode(path.read_bytes()).decode() for name, path in template_pictures(folder).items()}


async def finish(client: AsyncClient, photo: bytes | Path, template_id: str) -> Task:
    """Upload a photo and return its task when it is done. Raises TaskFailed."""
    return await client.tasks.wait(await client.tasks.create(photo, template_id))


def astronaut(size: tuple[int, int] | None = None, kind: str = "JPEG", quality: int = 90) -> bytes:
    """Return a photo with one face, which scikit-image ships (NASA, public domain)."""
    image = Image.fromarray(data.astronaut())
    file = io.BytesIO()
    (image.resize(size) if size else image).save(file, kind, quality=quality)
    return file.getvalue()


async def _concurrently(url: str, count: int, create: Callable[[AsyncClient], Awaitable[T]]) -> list[T]:
    """Create each with a client of its own, a few at a time."""
    free = asyncio.Semaphore(CONCURRENT_CALLS)

    async def one() -> T:
        async with free, AsyncClient(url) as client:
            return await create(client)

    return await asyncio.gather(*(one() for _ in range(count)))
