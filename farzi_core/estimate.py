"""What a run will cost on this machine, from a few real outer steps in a child process (torch stays out of the app)."""

import json
import subprocess
import sys
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from farzi_core.config import RunConfig
from farzi_core.errors import RunError
from farzi_core.limits import CALIBRATION_SECONDS

_ROOT = Path(__file__).resolve().parents[1]  # where `farzi_core` is importable from, installed or not
TYPICAL = {"sequences": 10_000, "events": 100_000}


class Estimate(BaseModel):
    """Seconds and bytes; the distillation is what the settings decide, the rest is the table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds_per_step: float
    distil_seconds: float
    evaluate_seconds: float
    peak_bytes: int
    device: str

    @property
    def sentence(self) -> str:
        """For people, rounded like an estimate should be."""
        distil, table = _duration(self.distil_seconds), _duration(self.evaluate_seconds)
        step = f"{1000 * self.seconds_per_step:.0f} ms an outer step"
        memory = f"{self.peak_bytes / 2**30:.1f} GiB of memory"
        tables = f"{table} for the full-data line and the final table"
        return f"About {distil} of distillation ({step}) and {tables}, {memory}, on {self.device}."


def estimate(config: RunConfig, sizes: dict[str, int] | None = None) -> Estimate:
    """Measure in a child process. `sizes`: sequences, events, items of the data before rare items are cut; typical
    ones where unknown, and as many items as are kept.

    Raises `RunError` if the child fails or takes longer than CALIBRATION_SECONDS.
    """
    known = {**TYPICAL, "items": config.data.max_items, **(sizes or {})}
    request = json.dumps({"config": config.model_dump(mode="json"), "sizes": known})
    command = [sys.executable, "-m", "farzi_core.calibrate"]
    try:
        done = subprocess.run(  # noqa: S603 - our own module, no shell
            command, input=request, capture_output=True, text=True, timeout=CALIBRATION_SECONDS, check=True, cwd=_ROOT
        )
    except subprocess.TimeoutExpired:
        raise RunError(
            f"A few steps took more than {CALIBRATION_SECONDS} s on this machine; choose smaller settings"
        ) from None
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no message"])[-1]
        raise RunError(f"The trial steps failed ({last[:200]}); choose smaller settings") from None
    return Estimate.model_validate_json(done.stdout)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
