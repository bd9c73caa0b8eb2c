"""Manifests of other versions: older ones are upgraded on a copy, newer ones open read-only (reliability row 21)."""

import json
from pathlib import Path

import pytest

from farzi_core.config import RunConfig
from farzi_core.errors import FarziError, StoreError
from farzi_core.runs import launcher, manifest, migrate
from farzi_core.runs.files import sha256
from farzi_core.runs.manifest import RunState
from farzi_core.runs.migrate import Values, upgrade
from farzi_core.runs.run import Run
from farzi_core.runs.store import Store


def rewrite(run: Run, **changes: object) -> bytes:
    """The run's manifest with other values and a checksum that fits, as another version would write it."""
    body = json.dumps({**run.manifest.model_dump(mode="json"), **changes}).encode()
    content = b'{"checksum": "' + sha256(body).encode() + b'", "manifest": ' + body + b"}\n"
    (run.folder / manifest.MANIFEST).write_bytes(content)
    return content


def everything(run: Run) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.folder.iterdir()}


def test_a_newer_run_can_be_looked_at_and_nothing_changes_it(farzi_home: Path) -> None:
    store = Store()
    run = store.create(RunConfig(name="from the future"))
    rewrite(run, schema_version=2, state="stopped", hologram={"depth": 3})
    before = everything(run)
    summary = store.list()[0]
    assert (summary.state, summary.name) == (RunState.STOPPED, "from the future")
    assert summary.error.startswith(
        "This run was written by a newer version of Farzi Studio (schema 2, this one knows 1)"
    )
    assert run.manifest.files == {}
    attempts = [
        lambda: launcher.resume(run),
        lambda: run.request_stop(),
        lambda: store.rename(run.id, "x"),
        lambda: store.delete(run.id),
    ]
    for attempt in attempts:
        with pytest.raises(FarziError, match="newer version"):
            attempt()
    launcher.launch(run)
    launcher.reconcile()
    assert everything(run) == before


def test_a_newer_run_of_another_shape_is_one_damaged_entry_with_the_reason(farzi_home: Path) -> None:
    run = Store().create(RunConfig())
    rewrite(run, schema_version=9, state="teleporting")
    summary = Store().list()[0]
    assert summary.state is RunState.DAMAGED
    assert "newer version" in summary.error


@pytest.mark.parametrize("version", [0, -1, None, "1", 1.5, True])
def test_a_schema_that_never_was_is_refused(farzi_home: Path, version: object) -> None:
    run = Store().create(RunConfig())
    rewrite(run, schema_version=version)
    assert Store().list()[0].state is RunState.DAMAGED


def test_steps_lead_from_version_to_version_and_leave_the_original_alone() -> None:
    def to_two(values: Values) -> Values:
        return {"schema_version": 2, "renamed": values.pop("old")}

    def to_three(values: Values) -> Values:
        return {**values, "schema_version": 3, "renamed": values["renamed"] * 2}

    original = {"schema_version": 1, "old": 21}
    assert upgrade(original, {1: to_two, 2: to_three}, target=3) == {"schema_version": 3, "renamed": 42}
    assert original == {"schema_version": 1, "old": 21}
    with pytest.raises(StoreError, match="schema 2, which cannot be read here"):
        upgrade(original, {1: to_two}, target=3)


def test_the_current_version_reads_what_it_writes(farzi_home: Path) -> None:
    run = Store().create(RunConfig())
    assert migrate.read_manifest(run.folder) == (run.manifest, "")
    assert (run.folder / manifest.MANIFEST).read_bytes() == manifest.seal(run.manifest)
