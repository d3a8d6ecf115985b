"""What can be wrong with an app or its settings."""


class StartupError(RuntimeError):
    """The app cannot start; the message is for the person who started it."""


class FunctionError(ValueError):
    """One function is in error; the others run."""
