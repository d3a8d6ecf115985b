"""The service: everything but the host's entry point. Exports nothing."""
