"""Create passwords and certificates for compose.yaml, once: python deploy/compose/prepare.py (called by make compose).

They are written to deploy/compose/secrets, which git ignores. Existing ones are kept: the databases have them.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "k8s"))
from make_secrets import make

SECRETS = Path(__file__).parent / "secrets"
VARIABLES = {
    "mariadb": {
        "root-password": "MARIADB_ROOT_PASSWORD",
        "auth-password": "AUTH_PASSWORD",
        "emoji-catalog-password": "EMOJI_CATALOG_PASSWORD",
        "ranking-password": "RANKING_PASSWORD",
        "inference-password": "INFERENCE_PASSWORD",
    },
    "minio": {"root-user": "MINIO_ROOT_USER", "root-password": "MINIO_ROOT_PASSWORD"},
    "rabbitmq": {"user": "RABBITMQ_DEFAULT_USER", "password": "RABBITMQ_DEFAULT_PASS"},
    "grafana": {"admin-password": "GF_SECURITY_ADMIN_PASSWORD"},
}
"""Environment variables of third-party images, by key in the secrets of the manifests."""


def main() -> None:
    if SECRETS.exists():
        return
    # The folder is private; the files are readable, because containers run as users that this machine does not have.
    SECRETS.mkdir(mode=0o700)
    for name, values in make().items():
        if name in ("redis", "alertmanager") or name.endswith("-tls"):
            _write_files(SECRETS / name, values)
        else:
            names = VARIABLES.get(name, {})
            lines = [f"{names.get(key, key)}={value}\n" for key, value in values.items()]
            (SECRETS / f"{name}.env").write_text("".join(lines))


def _write_files(folder: Path, values: dict[str, str]) -> None:
    folder.mkdir()
    folder.chmod(0o755)  # whatever the umask is
    for key, value in values.items():
        (folder / key).write_text(value)
        (folder / key).chmod(0o644)


if __name__ == "__main__":
    main()
