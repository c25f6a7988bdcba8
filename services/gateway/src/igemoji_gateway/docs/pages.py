"""`/api/docs`: the API document as a page on which calls can be tried. Nothing of it comes from elsewhere.

The page is Swagger UI, as the package `flask-swagger-ui` carries it; of that package nothing else is used.
"""

import importlib.util
from importlib import resources
from importlib.metadata import version
from pathlib import Path

PACKAGE = "flask_swagger_ui"
PATH = "/api/docs"

VERSION = version("flask-swagger-ui")
"""In the paths of its files: they may be cached for ever, and a new version is fetched at once."""

FILES = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon-32x32.png": "image/png",
}

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        # Small pictures are in the style sheet itself; those that an answer is are shown from memory.
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


def folder() -> Path:
    """Where Swagger UI's files lie."""
    package = importlib.util.find_spec(PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise FileNotFoundError(f"The package {PACKAGE} is not installed.")
    return Path(package.submodule_search_locations[0]) / "dist"


def files_path() -> str:
    return f"{PATH}/{VERSION}"


def page() -> str:
    return _text("docs.html").replace("{files}", files_path())


def script() -> str:
    """What starts Swagger UI. A file of its own: the page's policy admits no script within it."""
    return _text("docs.js")


def _text(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
