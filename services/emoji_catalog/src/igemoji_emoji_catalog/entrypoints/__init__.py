"""gRPC servicer, operator's command, settings and wiring."""
