"""What every implementation of ``ResolutionRules`` has to do."""

from dataclasses import replace
from datetime import timedelta

from shared.core.event import EventType, Field, Side
from shared.core.rules import ResolutionRule, rule_of
from shared.ports import ResolutionRules
from tests.support.values import NOON, new_id


def rule(integration_id: str, which: Field = Field.TITLE, *, minutes: int = 0) -> ResolutionRule:
    at = NOON + timedelta(minutes=minutes)
    return rule_of(integration_id, which=which, event_type=EventType.VENUE_VISIT, use=Side.OUTLOOK, at=at)


class ResolutionRulesContract:
    """Needs a fixture ``rules``."""

    async def test_oldest_first(self, rules: ResolutionRules) -> None:
        home = new_id()
        later, first = rule(home, Field.TITLE, minutes=2), rule(home, Field.LOCATION, minutes=1)
        for each in (later, first, rule(new_id())):
            await rules.put(each)
        assert await rules.of_integration(home) == (first, later)
        assert await rules.of_integration(new_id()) == ()

    async def test_a_later_choice_replaces_the_earlier(self, rules: ResolutionRules) -> None:
        home = new_id()
        await rules.put(rule(home))
        changed = replace(rule(home, minutes=5), use=Side.WEDSYNC)
        await rules.put(changed)
        assert await rules.of_integration(home) == (changed,)

    async def test_remove(self, rules: ResolutionRules) -> None:
        home, other = new_id(), new_id()
        kept, gone, theirs = rule(home, Field.TIME), rule(home), rule(other)
        for each in (kept, gone, theirs):
            await rules.put(each)
        assert await rules.remove(home, gone.rule_id)
        assert not await rules.remove(home, gone.rule_id)
        assert not await rules.remove(home, theirs.rule_id)
        assert await rules.of_integration(home) == (kept,)
        assert await rules.of_integration(other) == (theirs,)

    async def test_forget_all(self, rules: ResolutionRules) -> None:
        home, other = new_id(), new_id()
        for each in (rule(home), rule(home, Field.TIME), rule(other)):
            await rules.put(each)
        await rules.forget_all(home)
        assert await rules.of_integration(home) == ()
        assert len(await rules.of_integration(other)) == 1
