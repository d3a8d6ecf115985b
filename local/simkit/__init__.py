"""The frame that every simulator hangs in: TLS, clock, faults, request log, server."""
