"""Generate stubs, descriptors and openapi.json from the contract under protos/; `make protos` runs it.

    python libs/protos/generate            write stubs, the descriptor set and openapi.json
    python libs/protos/generate --lint     run buf lint over the contract

Output goes to libs/protos/src (git-ignored): the Python stubs of our files and of buf/validate, and in
igemoji_protos/data the descriptor set that Envoy and the services read, and openapi.json.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from google.api import http_pb2
from google.protobuf import any_pb2, descriptor_pb2, duration_pb2, empty_pb2, field_mask_pb2, timestamp_pb2
from grpc_tools import protoc

sys.path.insert(0, str(Path(__file__).parent))
from openapi import openapi_document

ROOT = Path(__file__).resolve().parents[3]
PROTOS = ROOT / "protos"
OUT = ROOT / "libs" / "protos" / "src"
DATA = OUT / "igemoji_protos" / "data"

GOOGLE_PROTOS = Path(http_pb2.__file__).parents[2]

ERROR_DETAILS = ["google/rpc/status.proto", "google/rpc/error_details.proto"]
"""Not imported by our files, but without them Envoy transcodes an error with details to an empty body."""


def main() -> None:
    """Run the generator, or buf lint with `--lint`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lint", action="store_true", help="run buf lint and write nothing")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        validate = write_validate_descriptors(Path(scratch) / "validate.binpb")
        if arguments.lint:
            lint(validate, Path(scratch) / "image.binpb")
        else:
            generate(validate)


def generate(validate: Path) -> None:
    """Write everything to a temporary folder and swap it in, so that an interrupted run leaves nothing half-written."""
    DATA.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=OUT, prefix=".new-") as new:
        outputs = [f"--python_out={new}", f"--mypy_out=quiet:{new}"]
        run_protoc([f"--descriptor_set_in={validate}", *outputs, "buf/validate/validate.proto"])
        run_protoc([*inputs(validate), *outputs, f"--grpc_python_out={new}", f"--mypy_grpc_out=quiet:{new}", *ours()])
        for package in ("igemoji", "buf"):
            shutil.rmtree(OUT / package, ignore_errors=True)
            (Path(new) / package).rename(OUT / package)
    image = DATA / "descriptors.binpb"
    write_image(validate, image)
    descriptors = descriptor_pb2.FileDescriptorSet.FromString(image.read_bytes())
    replace_text(DATA / "openapi.json", json.dumps(openapi_document(descriptors), indent=2, ensure_ascii=False) + "\n")
    print(f"contract: {len(ours())} files → stubs, descriptors.binpb, openapi.json")


def lint(validate: Path, image: Path) -> None:
    """Run buf lint on the contract and exit with its status."""
    write_image(validate, image)
    paths = [option for name in ours() for option in ("--path", name)]
    command = ["buf", "lint", str(image), "--config", str(PROTOS / "buf.yaml"), *paths]
    sys.exit(subprocess.run(command, env=with_tools()).returncode)


def write_image(validate: Path, image: Path) -> None:
    """Write the descriptor set of our files with all their imports and comments."""
    arguments = ["--include_imports", "--include_source_info", f"--descriptor_set_out={image}.new"]
    run_protoc([*inputs(validate), *arguments, *ours(), *ERROR_DETAILS])
    os.replace(f"{image}.new", image)


def inputs(validate: Path) -> list[str]:
    """Return the inputs of protoc: our sources, Google's, and the descriptors of buf/validate."""
    return [f"--descriptor_set_in={validate}", f"--proto_path={PROTOS}", f"--proto_path={GOOGLE_PROTOS}"]


def ours() -> list[str]:
    """Return the paths of our .proto files, sorted."""
    return sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))


def write_validate_descriptors(path: Path) -> Path:
    """Write the descriptors of buf/validate, taken from the wheel of protovalidate, and of its imports."""
    from protovalidate._gen.buf.validate import validate_pb

    validate = descriptor_pb2.FileDescriptorProto.FromString(validate_pb._DESC.proto.to_binary())
    files = descriptor_pb2.FileDescriptorSet()
    for module in (descriptor_pb2, duration_pb2, timestamp_pb2, field_mask_pb2, empty_pb2, any_pb2):
        module.DESCRIPTOR.CopyToProto(files.file.add())
    files.file.append(validate)
    path.write_bytes(files.SerializeToString())
    return path


def run_protoc(arguments: list[str]) -> None:
    """Run protoc; exit if it refuses the contract."""
    # protoc finds the plugins of mypy-protobuf on PATH.
    os.environ["PATH"] = with_tools()["PATH"]
    if protoc.main(["protoc", *arguments]) != 0:
        sys.exit("protoc refused the contract; its message is above.")


def with_tools() -> dict[str, str]:
    """Return the environment with this Python's programs on PATH."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def replace_text(path: Path, text: str) -> None:
    """Write a file atomically."""
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    os.replace(new, path)


if __name__ == "__main__":
    main()
