"""The fuzzer of the API, its configuration, and the calls that it cannot make up."""
