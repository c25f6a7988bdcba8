"""Settings of every service."""

import pytest

from igemoji_mesh.errors import StartError
from igemoji_mesh.settings import DEFAULT_ADDRESS, ServiceSettings, load_settings


@pytest.fixture(autouse=True)
def certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TLS_CERT", "TLS_KEY", "TLS_CA"):
        monkeypatch.setenv(name, f"/certificates/{name}")


def test_upstreams_are_read_by_name(monkeypatch):
    monkeypatch.setenv("EMOJI_CATALOG_ADDRESS", "catalog:50051")
    settings = load_settings(ServiceSettings)
    assert settings.address_of("emoji-catalog") == "catalog:50051"
    assert settings.address_of("a-fifth-service") == DEFAULT_ADDRESS


def test_start_error_names_the_variable(monkeypatch):
    monkeypatch.setenv("MAX_CALLS", "many")
    with pytest.raises(StartError, match="MAX_CALLS"):
        load_settings(ServiceSettings)
