"""The contract of IGE MOJI in Python: paths of the generated files, and every RPC with its options.

The stubs are `igemoji.<service>.v1.<service>_pb2` and `…_pb2_grpc`.
"""

from igemoji_protos.contract import DESCRIPTORS, OPENAPI, Rpc, load_descriptors, rpcs

__all__ = ["DESCRIPTORS", "OPENAPI", "Rpc", "load_descriptors", "rpcs"]
