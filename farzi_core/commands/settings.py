"""From the words of `distill` to a `RunConfig`: a preset, then a TOML file, then `--set`, each over the one before."""

import tomllib
from pathlib import Path
from typing import Any

from farzi_core.commands.show import UsageError
from farzi_core.config import RunConfig, with_settings
from farzi_core.data import catalogue, library
from farzi_core.data.dataset import Task
from farzi_core.errors import DatasetError
from farzi_core.limits import MAX_RECORD_BYTES
from farzi_core.presets import PRESETS, fitting


def configured(file: Path | None, preset: str | None, settings: list[str], data: str | None = None) -> RunConfig:
    """The settings of a run on `data`; raises `ConfigError` or `UsageError` that names what is wrong.

    Where no preset is named, it is the demo for the task of the data.
    """
    values, typed = _from_file(file) if file else {}, dict(_pair(one) for one in settings)
    typed |= {"data.source": data} if data is not None else {}
    chosen = preset or str(values.get("preset") or fitting(_task({**values, **typed}.get("data.source")), "demo"))
    if chosen not in PRESETS:
        raise UsageError(f"There is no preset {chosen!r}; choose one of {', '.join(PRESETS)}.")
    config = with_settings(PRESETS[chosen].config, {**values, "preset": chosen})
    return with_settings(config, typed)


def _task(source: str | None) -> Task:
    """What the data are for; unknown ones are refused later, with the known ones."""
    tasks = {card.key: card.task for card in library.list_sources(counts=False)} if source else {}
    return tasks.get(str(source), "recommendation")


def check_source(source: str) -> None:
    """Raise what is wrong with a data set before a run is made: unknown, or not downloaded yet."""
    if source in catalogue.ENTRIES and not catalogue.is_ready(source):
        try:
            catalogue.open_entry(source)
        except DatasetError as error:
            raise UsageError(f"{error}.") from None
    known = [card.key for card in library.list_sources(counts=False)]
    if source not in known:
        raise UsageError(f"There is no data set {source!r}; known are {', '.join(known)}.")


def _pair(words: str) -> tuple[str, str]:
    dotted, equals, value = words.partition("=")
    if not equals or not dotted:
        raise UsageError(f"--set {words!r} is not section.key=value, for example --set inner.lr=0.01.")
    return dotted.strip(), value


def _from_file(file: Path) -> dict[str, Any]:
    """Dotted settings of a TOML file."""
    try:
        with open(file, "rb") as opened:
            content = opened.read(MAX_RECORD_BYTES)
        return _flat(tomllib.loads(content.decode("utf-8")))
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError as error:  # not UTF-8, or not TOML: the message has line and column
        raise UsageError(f"{file} is not TOML: {error}.") from None


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat
