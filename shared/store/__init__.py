"""Table Storage, queues, Key Vault and leases behind the store ports."""
