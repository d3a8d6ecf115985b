"""WedSync's Events API, user tokens and webhooks; the same file names as ``graph`` where the same thing exists."""
