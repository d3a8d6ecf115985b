"""Every control route of Entra refuses a body of the wrong type: 400 with ``{"error": …}``."""

from typing import Any

import pytest

from tests.local.entra.stranger import ROSE, Stranger
from tests.local.wrong_bodies import RAW, Taken, mistyped

NULL = type(None)
WHO = {"upn": ROSE}
ROUTES: list[tuple[str, Taken, dict[str, Any]]] = [
    ("reset", {"seed": ()}, {}),
    ("faults", {"action": (), "path": ()}, {"action": "explode"}),
    ("clock", {"advanceSeconds": (float, int)}, {}),
    ("knobs", {"accessTokenSeconds": (int,), "scopeForm": (str,), "descriptionBreaks": (bool,)}, {}),
    ("knobs", {"errorNames": (), "adminApproval": ()}, {}),
    ("grants/revoke", {"upn": ()}, {}),
    ("grants/expire", {"upn": ()}, {}),
    ("grants/mfa", {"upn": (), "required": (bool,)}, WHO),
    ("grants/withdraw-consent", {"upn": (), "scopes": ()}, WHO),
    ("grants/disable", {"upn": (), "disabled": (bool,)}, WHO),
    ("grants/change", {"upn": (), "change": ()}, {**WHO, "change": "userRevokes"}),
    ("refusals", {"number": (), "upn": ()}, {"number": 50076, "upn": ROSE}),
    ("client", {"secret": (str,), "secretExpired": (bool,), "disabled": (bool,), "signInAudience": ()}, {}),
    ("client", {"redirectUris": (), "spaRedirectUris": ()}, {}),
    ("codes", {"upn": (), "scopes": (), "redirect_uri": (), "tenant": ()}, WHO),
    ("codes", {"nonce": (str, NULL), "code_challenge": (str, NULL), "code_challenge_method": (str,)}, WHO),
    ("codes", {"state": (str, NULL)}, WHO),
    ("keys/rotate", {"withdraw": (bool,)}, {}),
]
EMPTY_LISTS = ("redirectUris", "spaRedirectUris", "adminApproval", "scopes")


@pytest.mark.parametrize(("path", "members", "good"), ROUTES)
def test_a_body_of_the_wrong_type_is_refused(
    stranger: Stranger, path: str, members: Taken, good: dict[str, Any]
) -> None:
    bodies: list[Any] = [*RAW, *(True, 1, "x", [], [{}]), *mistyped(members, good)]
    for body in bodies:
        if isinstance(body, dict) and any(body.get(name) == [] for name in EMPTY_LISTS):
            continue
        sent = {"content": body} if isinstance(body, bytes) else {"json": body}
        answer = stranger.web.post(f"/_control/{path}", **sent)
        assert (answer.status_code, list(answer.json())) == (400, ["error"]), body
