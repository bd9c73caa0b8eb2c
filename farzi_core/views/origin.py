"""How synthetic data were made: which settings, which program, on what, how long. No torch."""

from typing import NamedTuple

from farzi_core.runs.manifest import Environment
from farzi_core.runs.run import Run
from farzi_core.views import runs


class Origin(NamedTuple):
    """The same settings, program, data and machine make the same data again."""

    settings: str
    """SHA-256 over the settings (`runs.run.settings_digest`)."""
    environment: Environment | None
    """Of the last attempt; None where the run never computed."""
    seconds: dict[str, float]
    """Of work by stage (`views.runs.seconds`)."""

    @classmethod
    def of_run(cls, run: Run) -> "Origin":
        """Raises `StoreError` where the manifest is damaged."""
        known = run.manifest
        return cls(known.config_digest, known.environment, runs.seconds(run.events()))
