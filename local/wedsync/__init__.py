"""Simulated WedSync: the Events API, user tokens, signed webhooks, and the application page in front of them."""
