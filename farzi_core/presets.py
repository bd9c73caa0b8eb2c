"""Starting points for the settings, each with a sentence that says what it costs."""

from dataclasses import dataclass

from farzi_core.config import RunConfig, with_settings


@dataclass(frozen=True)
class Preset:
    """A label, what it costs, and the settings."""

    label: str
    sentence: str
    config: RunConfig


_BASE = RunConfig()

PRESETS: dict[str, Preset] = {
    "demo": Preset("Demo", "Under a minute of distillation on 2 cores; good enough to look around.", _BASE),
    "standard": Preset(
        "Standard",
        "About 10-20 minutes on 2 cores; the quality to judge a data set by.",
        with_settings(
            _BASE, {"preset": "standard", "outer.steps": 4000, "validation.every": 200, "validation.students": 3}
        ),
    ),
    "paper": Preset(
        "Paper",
        "The sizes of the paper; hours on a CPU, meant for a GPU.",
        with_settings(_BASE, {"preset": "paper", "inner.steps": 200, "outer.steps": 4000}),
    ),
}
