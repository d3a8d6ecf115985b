"""The behaviours of the Functions host that the local host has to show, by number."""

HOST: dict[str, str] = {}

HOST_NOT_REPRODUCED: dict[str, str] = {}
"""Behaviours that the local host does not show, each with the reason."""
