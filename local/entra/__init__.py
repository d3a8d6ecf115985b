"""Simulated Microsoft Entra ID and managed identity endpoint.

Facts and their grades are S1-S12 of the project's Graph and Entra fact sheet ("S-numbers" in this package). Sources:
MicrosoftDocs/entra-docs, ``docs/identity-platform`` (``v2-oauth2-auth-code-flow.md``, ``v2-protocols-oidc.md``,
``refresh-tokens.md``, ``id-token-claims-reference.md``, ``reference-error-codes.md``, ``v2-admin-consent.md``) and the
source of MSAL Python 1.39. Where neither says anything, the docstring says "assumed".
"""
