"""The gateway of IGE MOJI: Envoy, configured from the contract.

options = GatewayOptions.machine(ports={"auth": 50051, …}, certificates=Certificates.in_folder(folder))
write(options, path)
validate(path)
subprocess.Popen(envoy_command(path))
"""

from igemoji_gateway.config.bootstrap import bootstrap, write
from igemoji_gateway.config.contract import ContractError, service_name
from igemoji_gateway.config.options import Address, Certificates, GatewayOptions
from igemoji_gateway.runtime.adaptive_breaker import AdaptiveBreaker
from igemoji_gateway.runtime.binary import EnvoyMissing, InvalidConfiguration, envoy_binary, envoy_command, validate

__all__ = [
    "AdaptiveBreaker",
    "Address",
    "Certificates",
    "ContractError",
    "EnvoyMissing",
    "GatewayOptions",
    "InvalidConfiguration",
    "bootstrap",
    "envoy_binary",
    "envoy_command",
    "service_name",
    "validate",
    "write",
]
