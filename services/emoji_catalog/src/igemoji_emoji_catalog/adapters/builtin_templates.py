"""Built-in templates in a folder: `<slug>/{angry,…}.png` and `<slug>/template.json`."""

import json
from pathlib import Path

from igemoji_emoji_catalog.domain.model import EXPRESSIONS, BuiltInTemplate, InvalidValue, template_name
from igemoji_mesh.errors import StartError


def read_built_in_templates(folder: Path) -> list[BuiltInTemplate]:
    """Read all templates, sorted by slug. Raises StartError if the folder, or anything in it, is missing or invalid."""
    if not folder.is_dir():
        raise StartError(f"BUILTIN_DIR is {folder}, but that is not a folder.")
    slugs = sorted(path.name for path in folder.iterdir() if path.is_dir())
    if not slugs:
        raise StartError(f"BUILTIN_DIR is {folder}, but it contains no templates.")
    return [_read(folder / slug, position) for position, slug in enumerate(slugs)]


def _read(folder: Path, position: int) -> BuiltInTemplate:
    try:
        about = json.loads((folder / "template.json").read_bytes())
        files = {expression: (folder / f"{expression}.png").read_bytes() for expression in EXPRESSIONS}
        return BuiltInTemplate(folder.name, template_name(about["name"]), files, position)
    except OSError as error:
        raise StartError(f"Can't read {error.filename} of a built-in template: {error.strerror}.") from None
    except InvalidValue as fault:
        raise StartError(f"The name in {folder / 'template.json'} {fault}.") from None
    except (ValueError, KeyError, TypeError):
        raise StartError(f"{folder / 'template.json'} must be a JSON object with a name.") from None
