"""The gateway of IGE MOJI: Envoy, configured from the contract.

options = GatewayOptions.machine(ports={"auth": 50051, …}, certificates=Certificates(cert, key, ca))
write(options, path)
validate(path)
subprocess.Popen(envoy_command(path))
"""
