"""The built-in templates as they lie in a folder: `<slug>/{angry,…}.png` and `<slug>/template.json`."""

import json
from pathlib import Path

from igemoji_emoji_catalog.domain.model import EXPRESSIONS, BuiltIn, Unfit, template_name
from igemoji_mesh.errors import StartError


def read_built_ins(folder: Path) -> list[BuiltIn]:
    """In the order of their slugs. Raises StartError where the folder, or anything in it, is missing or not right."""
    if not folder.is_dir():
        raise StartError(f"BUILTIN_DIR is {folder}, which is not a folder.")
    slugs = sorted(path.name for path in folder.iterdir() if path.is_dir())
    if not slugs:
        raise StartError(f"BUILTIN_DIR is {folder}, which has no templates in it.")
    return [_read(folder / slug, position) for position, slug in enumerate(slugs)]


def _read(folder: Path, position: int) -> BuiltIn:
    try:
        about = json.loads((folder / "template.json").read_bytes())
        files = {expression: (folder / f"{expression}.png").read_bytes() for expression in EXPRESSIONS}
        return BuiltIn(folder.name, template_name(about["name"]), files, position)
    except OSError as error:
        raise StartError(f"Can't read {error.filename} of a built-in template: {error.strerror}.") from None
    except Unfit as fault:
        raise StartError(f"The name in {folder / 'template.json'} {fault}.") from None
    except (ValueError, KeyError, TypeError):
        raise StartError(f"{folder / 'template.json'} must be a JSON object with a name.") from None
