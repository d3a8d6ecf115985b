"""Lies of the simulated Entra."""

from tests.mutants.mutant import Mutant

_TOKEN = "tests/local/entra/test_token.py"
_AUTHORIZE = "tests/local/entra/test_authorize.py"

MUTANTS = (
    Mutant(
        name="any-verifier",
        lie="A code is redeemed with another's PKCE verifier.",
        file="local/entra/token.py",
        old="if not proves(code, verifier):",
        new="if not proves(code, verifier) and not verifier:",
        test=f"{_TOKEN}::test_s03_wrong_verifier_is_refused",
    ),
    Mutant(
        name="code-works-twice",
        lie="A code may be redeemed again.",
        file="local/entra/token.py",
        old="code.redeemed = True",
        new="code.redeemed = False",
        test=f"{_TOKEN}::test_s04_a_code_works_once",
    ),
    Mutant(
        name="code-lives-for-ever",
        lie="A code does not lapse.",
        file="local/entra/token.py",
        old="> directory.knobs.code_seconds:",
        new="> directory.knobs.code_seconds * 1000:",
        test=f"{_TOKEN}::test_s04_a_code_lives_ten_minutes",
    ),
    Mutant(
        name="refresh-without-offline-access",
        lie="A refresh token comes though offline_access was not asked for.",
        file="local/entra/token.py",
        old='"offline_access" in code.scopes and',
        new='"openid" in code.scopes and',
        test=f"{_TOKEN}::test_s07_a_refresh_token_needs_offline_access",
    ),
    Mutant(
        name="revoked-grant-works",
        lie="A refresh token works after the person's grants were revoked.",
        file="local/entra/token.py",
        old="if epoch != standing.epoch:",
        new="if epoch > standing.epoch:",
        test=f"{_TOKEN}::test_s09_a_revoked_grant_is_dead_and_a_new_sign_in_heals_it",
    ),
    Mutant(
        name="any-secret",
        lie="A wrong client secret is accepted.",
        file="local/entra/credentials.py",
        old="if not hmac.compare_digest(secret.encode(), client.secret.encode()):",
        new="if hmac.compare_digest(secret.encode(), b''):",
        test=f"{_TOKEN}::test_s09_a_wrong_secret_is_invalid_client",
    ),
    Mutant(
        name="state-dropped",
        lie="The answer comes back without the application's state.",
        file="local/entra/request.py",
        old="if self.state is not None else {})}",
        new="if self.state is None else {})}",
        test=f"{_AUTHORIZE}::test_s02_state_comes_back_untouched",
    ),
    Mutant(
        name="any-redirect-uri",
        lie="The answer goes to a redirect URI that is not registered.",
        file="local/entra/request.py",
        old="if redirect_uri not in client.redirect_uris",
        new="if not redirect_uri.startswith('http') and redirect_uri not in client.redirect_uris",
        test=f"{_AUTHORIZE}::test_s02_a_bad_client_or_redirect_is_never_redirected",
    ),
)
