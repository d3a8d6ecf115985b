"""ASP.NET route templates: functions.md 2.1."""

import pytest

from local.host.errors import FunctionError
from local.host.routes import Route, decode_path, first_match
from tests.local.evidence import Grade, behaviour
from tests.local.host import sources


@behaviour("H4", Grade.DOCUMENTED, sources.ROUTER, sources.TEMPLATES, sources.TEMPLATE_PARSER)
@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("items", "items", {}),
        ("items", "ITEMS/", {}),
        ("items", "items/1", None),
        ("items", "items//", None),
        ("items/{id}", "items/", None),
        ("items/{id}", "items/a.b", {"id": "a.b"}),
        ("items/{id?}", "items", {}),
        ("items/{id=7}", "items", {"id": "7"}),
        ("items/{id=7}/{part?}", "items", {"id": "7"}),
        ("items/{id=7}/{part?}", "items/1/2", {"id": "1", "part": "2"}),
        ("items/{*rest}", "items", {}),
        ("items/{*rest}", "items/a/b", {"rest": "a/b"}),
        ("items/{**rest}", "items/a/b", {"rest": "a/b"}),
        ("{file}.{extension}", "a.tar.gz", {"file": "a.tar", "extension": "gz"}),
        ("v{major:int}-{minor:int}", "v1-2", {"major": "1", "minor": "2"}),
        ("literal{{brace}}", "literal{brace}", {}),
        ("{id:int:min(3)}", "2", None),
        ("{id:int:min(3)}", "3", {"id": "3"}),
        ("{id:int?}", "x", None),
        ("{first-name!}", "Jane", {"first-name!": "Jane"}),
        ("{id?}/more", "7/more", {"id": "7"}),
        ("{id?}/more", "more", None),
        ("{id=7}/more/{rest?}", "1/more", {"id": "1"}),
        ("a-{id=7}", "a-1", {"id": "1"}),
        ("a-{id=7}", "a-", None),
        ("{file}.{extension?}", "a.tar.gz", {"file": "a.tar", "extension": "gz"}),
        ("{file}.{extension?}", "a", {"file": "a"}),
        (r"{ssn:regex(^\d{{3}}$)}", "123", {"ssn": "123"}),
        (r"{ssn:regex(^\d{{3}}$)}", "1234", None),
        (r"{code:regex(^a/b$)}", "a%2Fb", None),
    ],
)
def test_h04_matching(template: str, path: str, values: dict[str, str] | None) -> None:
    assert Route(template).match(path) == values


@behaviour("H3", Grade.DOCUMENTED, sources.ROUTER, sources.TEMPLATES)
@pytest.mark.parametrize(
    ("constraint", "fits", "misfits"),
    [
        ("int", ["1", "-5", "2147483647"], ["2147483648", "1.0", "x"]),
        ("long", ["9223372036854775807"], ["9223372036854775808"]),
        ("bool", ["true", "FALSE"], ["1", "yes"]),
        ("guid", ["6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6ba7b8109dad11d180b400c04fd430c8"], ["6ba7b810", "x"]),
        ("datetime", ["2026-06-20", "2026-06-20T14:00:00"], ["soon"]),
        ("decimal", ["1.5", "-2"], ["NaN", "1,5x"]),
        ("double", ["1e3"], ["x"]),
        ("float", ["1.5"], ["x"]),
        ("alpha", ["abcXYZ"], ["abc1"]),
        ("required", ["x"], []),
        ("minlength(2)", ["ab"], ["a"]),
        ("maxlength(2)", ["ab"], ["abc"]),
        ("length(2)", ["ab"], ["a", "abc"]),
        ("length(2,3)", ["ab", "abc"], ["a", "abcd"]),
        ("max(5)", ["5"], ["6"]),
        ("range(2,4)", ["2", "4"], ["1", "5"]),
    ],
)
def test_h03_constraints(constraint: str, fits: list[str], misfits: list[str]) -> None:
    route = Route(f"{{x:{constraint}}}")
    assert [route.match(value) for value in fits] == [{"x": value} for value in fits]
    assert [route.match(value) for value in misfits] == [None] * len(misfits)


@behaviour("H35", Grade.DOCUMENTED, sources.TEMPLATE_PARSER)
@pytest.mark.parametrize(
    "template",
    [
        "{",
        "a}",
        "{id",
        "a//b",
        "{}",
        "{id:nothing}",
        "{id:length(x)}",
        "{id:min()}",
        "{a}{b}",
        "{id}/{ID}",
        "{*rest}/more",
        "{*rest?}",
        "{id=1?}",
        "a-{id?}",
        "{id?}-a",
        "a-{*rest}",
        "a?b",
        "{a?b}",
        "{id:regex([)}",
    ],
)
def test_h35_malformed_templates_are_refused(template: str) -> None:
    with pytest.raises(FunctionError):
        Route(template)


def test_the_first_route_with_the_method_wins() -> None:
    routes = {
        "all": (Route("{*rest}"), frozenset({"GET"})),
        "special": (Route("special"), frozenset[str]()),
    }
    assert first_match(routes, method="GET", path="special") == ("all", {"rest": "special"})
    assert first_match(routes, method="POST", path="special") == ("special", {})
    assert first_match(routes, method="POST", path="other") is None


def test_an_encoded_slash_stays_encoded() -> None:
    assert decode_path(b"/a%20b%2Fc/%C3%A9") == "/a b%2Fc/é"
