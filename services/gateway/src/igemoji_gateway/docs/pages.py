"""`/api/docs`: Swagger UI for the API document, without files from other origins.

Only the static files of the package `flask-swagger-ui` are used.
"""

import importlib.util
from importlib import resources
from importlib.metadata import version
from pathlib import Path

PACKAGE = "flask_swagger_ui"
PATH = "/api/docs"

VERSION = version("flask-swagger-ui")
"""Part of the file paths, so that files can be cached forever and a new version is fetched at once."""

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
        # Icons are in the style sheet (data:); images of answers are shown from memory (blob:).
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


def folder() -> Path:
    """Return the folder of Swagger UI's files."""
    package = importlib.util.find_spec(PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise FileNotFoundError(f"The package {PACKAGE} is not installed.")
    return Path(package.submodule_search_locations[0]) / "dist"


def files_path() -> str:
    """Return the URL path of Swagger UI's files."""
    return f"{PATH}/{VERSION}"


def page() -> str:
    """Return the HTML of the page."""
    return _text("docs.html").replace("{files}", files_path())


def script() -> str:
    """Return the script that starts Swagger UI; a separate file, because the page's policy forbids inline scripts."""
    return _text("docs.js")


def _text(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
