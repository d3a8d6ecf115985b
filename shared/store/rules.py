"""The resolution rules of an integration, in its partition: ``r|{ruleId}``. There are a few dozen at the most."""

from shared.core.rules import ResolutionRule
from shared.errors import RowChanged
from shared.store.codec import columns_of, key_text, value_of
from shared.store.mappings import delete_all
from shared.store.rows import Delete, Row, Span, Table, Tables, Upsert

_TABLE = Table.RULES
_PREFIX = "r|"


class TableResolutionRules:
    """``ResolutionRules`` on tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def put(self, rule: ResolutionRule) -> None:
        """Insert, or replace the rule of the same id."""
        row = Row(partition=key_text(rule.integration_id), key=_key(rule.rule_id), columns=columns_of(rule))
        await self._tables.write(_TABLE, Upsert(row))

    async def of_integration(self, integration_id: str) -> tuple[ResolutionRule, ...]:
        """Return all rules of the integration, oldest first. One read."""
        found: list[ResolutionRule] = []
        async for page in self._tables.query(_TABLE, Span.prefix(key_text(integration_id), _PREFIX)):
            found += [value_of(ResolutionRule, row) for row in page]
        return tuple(sorted(found, key=lambda rule: (rule.created_at, rule.rule_id)))

    async def remove(self, integration_id: str, rule_id: str) -> bool:
        """Remove the rule; return whether there was one."""
        try:
            await self._tables.write(_TABLE, Delete(Row(partition=key_text(integration_id), key=_key(rule_id))))
        except RowChanged:
            return False
        return True

    async def forget_all(self, integration_id: str) -> None:
        """Remove every row of the integration."""
        async for page in self._tables.query(_TABLE, Span.prefix(key_text(integration_id), _PREFIX)):
            await delete_all(self._tables, _TABLE, page)


def _key(rule_id: str) -> str:
    return f"{_PREFIX}{key_text(rule_id)}"
