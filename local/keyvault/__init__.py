"""Simulated Key Vault: the secrets REST API as ``azure-keyvault-secrets`` speaks it.

Sources: the client's own source (4.12.0), tried against it; MicrosoftDocs/azure-security-docs
``key-vault/secrets/about-secrets.md`` and ``general/rest-error-codes.md``; error bodies as captured in public issues
(named where used). Where neither says anything, the docstring says "assumed".
"""
