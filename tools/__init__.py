"""Command lines for those who operate the service."""
