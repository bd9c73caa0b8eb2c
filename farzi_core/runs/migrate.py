"""Reading manifests of every schema version: older ones are upgraded on a copy in memory, newer ones open read-only.

Readers never write; the file on disk takes the current schema when a worker commits next.
"""

import copy
import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from farzi_core.errors import StoreError
from farzi_core.limits import MAX_RECORD_BYTES, REMEMBERED_RUNS
from farzi_core.runs.files import Stamp, read_bounded, stamp
from farzi_core.runs.manifest import MANIFEST, SCHEMA_VERSION, Manifest, unseal

Values = dict[str, Any]
STEPS: dict[int, Callable[[Values], Values]] = {}
"""Schema n -> the function that turns its values into those of schema n + 1. Version 1 is the first."""


class Opened(NamedTuple):
    manifest: Manifest
    read_only: str
    """Why this run may not be changed here; empty for a run of this version or an older one."""


def read_manifest(folder: Path) -> Opened:
    """The manifest of a run folder in the current schema; raises `StoreError` if it is missing or damaged."""
    return _read_manifest(folder, stamp(folder / MANIFEST))


@lru_cache(maxsize=REMEMBERED_RUNS)  # a page that polls a list of a thousand runs parses each of them once
def _read_manifest(folder: Path, _stamp: Stamp) -> Opened:
    body = unseal(read_bounded(folder / MANIFEST, MAX_RECORD_BYTES))
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise StoreError("manifest.json is not a JSON object; delete the run")
    newer = _newer(values.get("schema_version"))
    current = _known(values) if newer else upgrade(values, STEPS)
    try:
        manifest = Manifest.model_validate_json(body if current is values else json.dumps(current))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise StoreError(newer or f"manifest.json is not valid at {place!r}: {first['msg']}; delete the run") from None
    if manifest.id != folder.name:
        raise StoreError(f"manifest.json belongs to run {manifest.id}, not to {folder.name}; delete one of the copies")
    return Opened(manifest, newer)


def upgrade(values: Values, steps: Mapping[int, Callable[[Values], Values]], target: int = SCHEMA_VERSION) -> Values:
    """`values`, or a copy taken through `steps` up to schema `target`; raises `StoreError` where no step leads on."""
    if values.get("schema_version") != target:
        values = copy.deepcopy(values)
    while (version := values.get("schema_version")) != target or type(version) is not int:
        if type(version) is not int or version not in steps:
            raise StoreError(f"manifest.json has schema {version!r}, which cannot be read here; delete the run")
        values = steps[version](values)
    return values


def _newer(version: object) -> str:
    if not isinstance(version, int) or version <= SCHEMA_VERSION:
        return ""
    return (
        f"This run was written by a newer version of Farzi Studio (schema {version}, this one knows {SCHEMA_VERSION}): "
        "it can be looked at but not changed; update to go on with it"
    )


def _known(values: Values) -> Values:
    return {name: value for name, value in values.items() if name in Manifest.model_fields}
