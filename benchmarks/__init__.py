"""Measurements of the stand and of the service on it; README.md says how to run and read each."""
