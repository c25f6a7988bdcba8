"""Emoji templates without a server: built-in ones, and folders of the user."""

import asyncio
import difflib
import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from igemoji_emoji_catalog.domain.model import InvalidValue, template_name
from igemoji_stack.photo.errors import CannotWork
from igemoji_vision.errors import PictureUnfit
from igemoji_vision.faces import EXPRESSIONS
from igemoji_vision.sandbox.pictures import PictureSandbox
from igemoji_vision.sandbox.process import SandboxBroken

ASSETS = Path(__file__).resolve().parents[4] / "assets" / "build"
"""Output folder of `make assets` in a clone of the project."""

PICTURE_EXTENSIONS = (".png", ".webp", ".jpg", ".jpeg")
ABOUT = "template.json"


@dataclass(frozen=True)
class BuiltIn:
    """A template of the product; `folder` has one PNG for each expression."""

    slug: str
    name: str
    folder: Path


@dataclass(frozen=True)
class Template:
    """Seven pictures with a name, ready for the pipeline."""

    name: str
    pictures: Mapping[str, bytes]
    """Encoded picture by expression."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the pictures; the name does not change a result."""
        whole = hashlib.sha256()
        for expression in EXPRESSIONS:
            whole.update(hashlib.sha256(self.pictures[expression]).digest())
        return whole.hexdigest()


def built_ins(assets: Path) -> list[BuiltIn]:
    """Return the built-in templates, sorted by slug. Raises CannotWork if `make assets` has not built them."""
    folder = assets / "templates"
    try:
        known = [_built_in(path.parent) for path in sorted(folder.glob(f"*/{ABOUT}"))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotWork(f"The built-in templates in {folder} are damaged ({error}): run `make assets`.") from None
    if not known:
        raise CannotWork(f"There are no built-in templates in {folder}: run `make assets`.")
    return known


def find(wanted: str, assets: Path) -> Template:
    """Find a template by slug or name, ignoring case, or read a folder. Raises CannotWork."""
    known = built_ins(assets)
    if template := _named(wanted, known):
        return _read_built_in(template)
    if Path(wanted).is_dir():
        return read_folder(Path(wanted))
    raise CannotWork(_unknown(wanted, known))


def read_folder(folder: Path) -> Template:
    """Read a template from a folder; pictures are normalized like an upload to the server.

    Raises:
        CannotWork: naming the expression whose picture is missing or invalid.
    """
    paths = {expression: _picture(folder, expression) for expression in EXPRESSIONS}
    pictures = asyncio.run(_normalized(paths))
    return Template(_own_name(folder), pictures)


def create(folder: Path, start: str, assets: Path) -> None:
    """Create a folder for a new template, with the pictures of a built-in one. Raises CannotWork."""
    known = built_ins(assets)
    source = _named(start, known)
    if source is None:
        raise CannotWork(_unknown(start, known))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise CannotWork(f"{folder} is not empty: give the name of a new folder.")
        for expression in EXPRESSIONS:
            shutil.copyfile(source.folder / f"{expression}.png", folder / f"{expression}.png")
        # License and source are copied: they apply to every picture that is not replaced.
        about = json.loads((source.folder / ABOUT).read_bytes())
        text = json.dumps({**about, "name": _name_for(folder)}, indent=2, ensure_ascii=False)
        (folder / ABOUT).write_text(text + "\n", encoding="utf-8")
    except FileExistsError:
        raise CannotWork(f"{folder} is a file: give the name of a new folder.") from None
    except OSError as error:
        raise CannotWork(f"{folder} can't be made: {error.strerror}.") from None


def _named(wanted: str, known: list[BuiltIn]) -> BuiltIn | None:
    return next((one for one in known if wanted.casefold() in (one.slug, one.name.casefold())), None)


def _built_in(folder: Path) -> BuiltIn:
    about = json.loads((folder / ABOUT).read_bytes())
    return BuiltIn(folder.name, str(about["name"]), folder)


def _read_built_in(template: BuiltIn) -> Template:
    try:
        pictures = {name: (template.folder / f"{name}.png").read_bytes() for name in EXPRESSIONS}
    except OSError as error:
        raise CannotWork(f"{error.filename} of a built-in template can't be read: run `make assets`.") from None
    return Template(template.name, pictures)


def _unknown(wanted: str, known: list[BuiltIn]) -> str:
    names = {name: template.slug for template in known for name in (template.slug, template.name.casefold())}
    near = difflib.get_close_matches(wanted.casefold(), names, n=3, cutoff=0.7)
    slugs = list(dict.fromkeys(names[name] for name in near))
    hint = f"did you mean {' or '.join(slugs)}?" if slugs else "`igemoji emojis` lists them all."
    return f"There is no emoji template and no folder {wanted!r}: {hint}"


async def _normalized(paths: Mapping[str, Path]) -> dict[str, bytes]:
    pictures = {}
    sandbox = PictureSandbox(1)
    try:
        for expression, path in paths.items():
            pictures[expression] = await sandbox.normalize(path.read_bytes(), keep_background=False)
    except OSError as error:
        raise CannotWork(f"The picture for {expression}, {path}, can't be read: {error.strerror}.") from None
    except PictureUnfit as fault:
        raise CannotWork(f"The picture for {expression}, {path}, {fault}.") from None
    except SandboxBroken as error:
        raise CannotWork(str(error)) from None
    finally:
        await sandbox.close()
    return pictures


def _picture(folder: Path, expression: str) -> Path:
    found = [path for end in PICTURE_EXTENSIONS if (path := folder / f"{expression}{end}").is_file()]
    if not found:
        raise CannotWork(f"The picture for {expression} is missing: {folder / expression}.png (or .webp, .jpg).")
    if len(found) > 1:
        raise CannotWork(f"There are {len(found)} pictures for {expression} in {folder}: remove all but one.")
    return found[0]


def _own_name(folder: Path) -> str:
    """Return the name in template.json, or one from the folder's name."""
    path = folder / ABOUT
    try:
        return template_name(json.loads(path.read_bytes())["name"])
    except FileNotFoundError:
        return _name_for(folder)
    except OSError as error:
        raise CannotWork(f"{path} can't be read: {error.strerror}.") from None
    except InvalidValue as fault:
        raise CannotWork(f"The name in {path} {fault}.") from None
    except (ValueError, KeyError, TypeError):
        raise CannotWork(f"{path} must be a JSON object with a name.") from None


def _name_for(folder: Path) -> str:
    try:
        return template_name(folder.resolve().name.encode(errors="replace").decode())
    except InvalidValue:
        return "My emoji"
