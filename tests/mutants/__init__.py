"""Lies of the simulators and faults of the engine, and the tests that must catch them: ``make mutants``."""
