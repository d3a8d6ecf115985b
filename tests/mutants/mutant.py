"""One lie: a small change of the source of a simulator, or of the engine, that a named test must catch."""

from dataclasses import dataclass
from pathlib import Path


class Outdated(Exception):
    """The list of mutants does not fit the source any more; the message names the mutant."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """``old`` stands exactly once in ``file`` (from the root of the project); ``test`` is a pytest node id.

    ``rule`` is the heading of the rule of the engine that is broken, empty for a simulator's lie.
    """

    name: str
    lie: str
    file: str
    old: str
    new: str
    test: str
    rule: str = ""

    def mutated(self, root: Path) -> str:
        """Return the file's text with the lie in it; ``Outdated`` unless the old text occurs exactly once."""
        text = (root / self.file).read_text()
        count = text.count(self.old)
        if count != 1:
            raise Outdated(f"{self.name}: the old text occurs {count} times in {self.file}, not once")
        return text.replace(self.old, self.new)

    @property
    def test_file(self) -> str:
        """The file of the named test."""
        return self.test.partition("::")[0]

    @property
    def test_function(self) -> str:
        """The name of the test's function, without its class or parameters."""
        return self.test.rpartition("::")[2].partition("[")[0]
