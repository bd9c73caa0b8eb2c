"""What a user can cause. Every message names the thing, the value seen, the rule and the next step.

Pages and the command line show `str(error)`; anything that is not a `FarziError` is a bug and goes to the log.
"""


class FarziError(ValueError):
    """Base of everything a user's input, settings or machine can cause."""


def in_short(error: Exception) -> str:
    """The first line of somebody else's error, or its kind where it says nothing; for a sentence of ours."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


class DatasetError(FarziError):
    """A file, table or download is not usable as given."""


class ConfigError(FarziError):
    """A setting is unknown, out of range or contradicts another."""


class RunError(FarziError):
    """A run cannot do what was asked in the state it is in."""


class StoreError(FarziError):
    """The run store is missing, damaged, full or was written by a newer version."""


class DivergedError(FarziError):
    """Distillation left the smooth region and three roll-backs did not bring it back."""
