"""Templates, makers, reports and searches: no SQL, no gRPC."""
