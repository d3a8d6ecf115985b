"""All mutants in the order of ``docs/mutants.md``."""

from tests.mutants import engine, entra, graph, graph_changes, host, keyvault
from tests.mutants.mutant import Mutant

SIMULATORS = (*graph.MUTANTS, *graph_changes.MUTANTS, *entra.MUTANTS, *keyvault.MUTANTS, *host.MUTANTS)
MUTANTS = (*SIMULATORS, *engine.MUTANTS)

HOLLOW = Mutant(
    name="hollow",
    lie="Graph, Entra and Key Vault answer an empty 200 to everything.",
    file="tests/local/hollow.py",
    old="",
    new="",
    test="tests/local/test_hollow.py::test_every_conformance_test_fails_against_an_empty_200",
)
"""Told by ``pytest --hollow``, not by a change of text; its test passes when every conformance test fails."""
