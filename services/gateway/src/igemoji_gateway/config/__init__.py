"""Generator of Envoy's configuration."""
