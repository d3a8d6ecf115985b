"""Lies told by the simulators on purpose, and the conformance tests that must catch them: ``make mutants``."""
