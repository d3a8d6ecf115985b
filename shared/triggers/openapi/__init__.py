"""The OpenAPI document of the HTTP API, made from the same models that read requests and write answers."""
