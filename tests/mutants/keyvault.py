"""Lies of the simulated Key Vault."""

from tests.mutants.mutant import Mutant

_HTTP = "tests/local/keyvault/test_http.py"
_LIMITS = "tests/local/keyvault/test_limits.py"
_SECRET_CLIENT = "tests/local/keyvault/test_secret_client.py"

MUTANTS = (
    Mutant(
        name="no-challenge",
        lie="A 401 does not say where to get a token.",
        file="local/keyvault/routes.py",
        old='headers["WWW-Authenticate"] = CHALLENGE',
        new='headers["X-Nothing"] = CHALLENGE',
        test=f"{_HTTP}::test_k01_a_request_without_token_is_challenged",
    ),
    Mutant(
        name="expired-token-taken",
        lie="An expired token opens the vault.",
        file="local/keyvault/auth.py",
        old='if now >= float(claims.get("exp", 0)) or',
        new='if now < 0 * float(claims.get("exp", 0)) or',
        test=f"{_HTTP}::test_k01_an_expired_token_is_refused",
    ),
    Mutant(
        name="deleted-name-free",
        lie="The name of a soft-deleted secret may be used at once.",
        file="local/keyvault/state.py",
        old="raise errors.conflict(secret.name)",
        new="secret.deleted = secret.purge_due = None",
        test=f"{_LIMITS}::test_k08_a_deleted_name_is_taken",
    ),
)
