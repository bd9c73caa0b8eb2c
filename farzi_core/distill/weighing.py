"""Measured memory of a small meta-gradient, for those who have no torch: asks `weigh` in a process of its own."""

import logging
import subprocess
import sys
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from farzi_core.errors import RunError
from farzi_core.limits import WEIGHING_SECONDS

Way = Literal["unroll", "store", "checkpoint"]
COMMAND = [sys.executable, "-m", "farzi_core.distill.weigh"]
_ROOT = Path(__file__).resolve().parents[2]  # where `farzi_core` is importable from, installed or not
_LOG = logging.getLogger(__name__)


class Weighed(BaseModel):
    """One meta-gradient through `steps` inner steps; bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    way: Way
    steps: int
    tensors: int
    """Of all tensors that lived at once beside those there before: counted, the same on every machine."""
    process: int
    """The most the whole process had held until then; only ever rises."""


class Weighing(BaseModel):
    """All measurements in the order they were made, on a student of `weights` weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: int
    before: int
    """The most the process had held before the first one."""
    rows: tuple[Weighed, ...]

    def peaks(self, way: Way) -> dict[int, int]:
        """Counted bytes by number of steps."""
        return {row.steps: row.tensors for row in self.rows if row.way == way}

    def rise(self, way: Way) -> int:
        """Bytes by which the peak of the process rose during the measurements of this way."""
        places = [place for place, row in enumerate(self.rows) if row.way == way]
        before = self.rows[places[0] - 1].process if places[0] else self.before
        return self.rows[places[-1]].process - before


def weighed() -> Weighing:
    """Measure now; takes the seconds that torch takes to start, and some more. Raises `RunError`."""
    try:
        done = subprocess.run(  # noqa: S603 - our own module, no shell
            COMMAND, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=WEIGHING_SECONDS, cwd=_ROOT,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise RunError(
            f"the measurement took more than {WEIGHING_SECONDS} seconds and was ended. Try again when the machine is "
            "less busy"
        ) from None
    try:
        return Weighing.model_validate_json(done.stdout)
    except ValidationError:
        _LOG.error("the measurement failed: %s", done.stderr)
        raise RunError("the measurement failed; the log of the app has the details") from None
