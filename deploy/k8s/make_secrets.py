"""Create every secret that the manifests refer to, with new passwords and certificates, once for each installation.

usage: python deploy/k8s/make_secrets.py NAMESPACE [--database URL] [--objects URL] [--without-certificates] |
       kubectl apply -f -

Nothing is kept here: the output goes to the cluster, or encrypted to a store of secrets. A second run creates other
passwords, which running databases do not have: apply it once, and rotate as in docs/operations.md.

  --database URL           mysql+pymysql://host/: an external database; each service has `igemoji_<service>` there, with
                           a user of that name whose password is in the environment as <SERVICE>_DATABASE_PASSWORD
  --objects URL            s3://bucket?endpoint=https://host: an external S3; OBJECT_STORE_ACCESS_KEY and
                           OBJECT_STORE_SECRET_KEY are in the environment
  --without-certificates   cert-manager creates them
"""

import argparse
import json
import os
import secrets
import sys
from urllib.parse import quote, urlsplit

from igemoji_mesh.auth.ca import CertificateAuthority

SERVICES = ("auth", "emoji-catalog", "ranking", "inference")
OBJECTS_OF = ("emoji-catalog", "inference")
EMPTY_RECEIVER = "http://127.0.0.1:9/fill-in-a-receiver"

Secret = dict[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("namespace")
    parser.add_argument("--database", default="")
    parser.add_argument("--objects", default="")
    parser.add_argument("--without-certificates", action="store_true")
    arguments = parser.parse_args()
    made = make(arguments.database, arguments.objects, certificates=not arguments.without_certificates)
    items = [manifest(name, arguments.namespace, values) for name, values in made.items()]
    json.dump({"apiVersion": "v1", "kind": "List", "items": items}, sys.stdout, indent=1)


def make(database: str = "", objects: str = "", *, certificates: bool = True) -> dict[str, Secret]:
    """Return the contents of each secret, by name."""
    queue, progress = secrets.token_hex(16), secrets.token_hex(16)
    made: dict[str, Secret] = {service: {} for service in SERVICES}
    passwords = {service: _database_password(service, known=bool(database)) for service in SERVICES}
    for service, password in passwords.items():
        user = f"igemoji_{service.replace('-', '_')}"
        host = urlsplit(database).netloc.rpartition("@")[2] if database else "mariadb:3306"
        made[service]["DATABASE_URL"] = f"mysql+pymysql://{user}:{quote(password, safe='')}@{host}/{user}"
    if not database:
        users = {f"{service}-password": password for service, password in passwords.items()}
        made["mariadb"] = {"root-password": secrets.token_hex(16), **users}
    if not objects:
        made["minio"] = {"root-user": "igemoji", "root-password": secrets.token_hex(16)}
    for service in OBJECTS_OF:
        made[service] |= _objects(objects, made.get("minio"))
    made["inference"]["TASK_QUEUE_URL"] = f"amqp://igemoji:{queue}@rabbitmq:5672//"
    made["inference"]["PROGRESS_URL"] = f"redis://:{progress}@redis:6379/0"
    made["rabbitmq"] = {"user": "igemoji", "password": queue}
    made["redis"] = {"redis.conf": f'requirepass {progress}\nmaxmemory 256mb\nmaxmemory-policy volatile-ttl\nsave ""\n'}
    made["grafana"] = {"admin-password": secrets.token_urlsafe(16)}
    made["alertmanager"] = dict.fromkeys(("on-call-url", "tickets-url", "heartbeat-url"), EMPTY_RECEIVER)
    return made | (_certificates() if certificates else {})


def manifest(name: str, namespace: str, values: Secret) -> dict[str, object]:
    kind = "kubernetes.io/tls" if "tls.crt" in values else "Opaque"
    metadata = {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/part-of": "igemoji"}}
    return {"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": metadata, "stringData": values}


def _database_password(service: str, *, known: bool) -> str:
    return (
        _from_environment(f"{service.upper().replace('-', '_')}_DATABASE_PASSWORD") if known else secrets.token_hex(16)
    )


def _objects(url: str, minio: Secret | None) -> Secret:
    """Return the settings of the object store; all services share them and use different prefixes."""
    if minio:
        return {
            "OBJECT_STORE_URL": "s3://igemoji?endpoint=http://minio:9000",
            "OBJECT_STORE_ACCESS_KEY": minio["root-user"],
            "OBJECT_STORE_SECRET_KEY": minio["root-password"],
        }
    keys = ("OBJECT_STORE_ACCESS_KEY", "OBJECT_STORE_SECRET_KEY")
    return {"OBJECT_STORE_URL": url, **{key: _from_environment(key) for key in keys}}


def _certificates() -> dict[str, Secret]:
    """Issue all certificates from a new private authority, whose key is not kept: to renew one, renew them all."""
    authority = CertificateAuthority.create()
    made = {}
    for service in (*SERVICES, "gateway"):
        certificate, key = authority.issue(service)
        pems = {"tls.crt": certificate, "tls.key": key, "ca.crt": authority.certificate_pem}
        made[f"{service}-tls"] = {name: pem.decode() for name, pem in pems.items()}
    return made


def _from_environment(name: str) -> str:
    if name not in os.environ:
        sys.exit(f"{name} is not in the environment.")
    return os.environ[name]


if __name__ == "__main__":
    main()
