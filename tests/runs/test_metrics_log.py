"""metrics.jsonl: append-only, torn lines and flipped bits are skipped, repeated steps count once."""

import json
from pathlib import Path

import pytest

from farzi_core.runs import metrics_log
from farzi_core.runs.metrics_log import MetricsLog, encode, latest, read


def log_of(path: Path, *steps: int) -> MetricsLog:
    log = MetricsLog(path)
    for step in steps:
        log.append({"event": "step", "elapsed": step / 10, "step": step})
    return log


def steps(path: Path) -> list[int]:
    return [one["step"] for one in read(path) if one["event"] == "step"]


def test_each_line_is_json_with_its_checksum_as_the_last_field(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    MetricsLog(path).append({"event": "stage", "elapsed": 0.5, "message": 'a "quoted"\nline\u2028 \x00 é'})
    (line,) = path.read_text(encoding="utf-8").splitlines()
    values = json.loads(line)
    assert list(values) == ["event", "elapsed", "message", "crc"]
    del values["crc"]
    assert read(path) == [values]


def test_numbers_that_are_not_finite_become_null(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    MetricsLog(path).append(
        {"event": "step", "loss": float("nan"), "more": [1.5, float("inf")], "in": {"x": -float("inf")}}
    )
    assert read(path) == [{"event": "step", "loss": None, "more": [1.5, None], "in": {"x": None}}]


@pytest.mark.parametrize("cut", range(2, 30))
def test_a_line_torn_at_any_byte_is_ignored_and_the_next_writer_goes_on(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "metrics.jsonl"
    log_of(path, 1, 2, 3)
    path.write_bytes(path.read_bytes()[:-cut])
    assert steps(path) == [1, 2]
    again = log_of(path, 4)
    assert steps(path) == [1, 2, 4]
    assert MetricsLog(path).elapsed == 0.4
    assert again.position == path.stat().st_size


def test_every_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    log_of(path, 1, 2, 3)
    content, truth = path.read_bytes(), read(path)
    for position in range(len(content)):
        for bit in (1, 4, 128):
            damaged = bytearray(content)
            damaged[position] ^= bit
            path.write_bytes(damaged)
            assert all(event in truth for event in read(path)), (position, bit)
            assert len(read(path)) >= 1


def test_a_resume_replaces_the_lines_after_its_checkpoint_and_keeps_attempts(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    log = log_of(path, 1, 2)
    checkpoint = log.position
    log_of(path, 3, 4)
    log.append({"event": "row", "name": "full"})  # of a stage that is kept: it is not repeated
    log.append({"event": "attempt", "attempt": 2, "replaces_from": checkpoint})
    log_of(path, 3)
    log.append({"event": "attempt", "attempt": 3, "replaces_from": checkpoint})
    log_of(path, 3, 4, 5)
    assert steps(path) == [1, 2, 3, 4, 5]
    assert [one["attempt"] for one in read(path) if one["event"] == "attempt"] == [2, 3]
    assert [one["name"] for one in read(path) if one["event"] == "row"] == ["full"]


def test_rolled_back_steps_of_one_attempt_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    log = log_of(path, 1, 2)
    log.append({"event": "rollback", "step": 2, "to_step": 1})
    log_of(path, 2)
    assert steps(path) == [1, 2, 2]


def test_the_latest_events_are_read_from_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "metrics.jsonl"
    MetricsLog(path).append({"event": "stage", "elapsed": 0.0, "stage": "distil"})
    log_of(path, *range(100))
    assert {kind: one.get("step") for kind, one in latest(path).items()} == {"stage": None, "step": 99}
    monkeypatch.setattr(metrics_log, "TAIL_BYTES", 500)
    assert latest(path)["step"]["step"] == 99
    assert latest(tmp_path / "missing") == {}


def test_lines_with_a_fitting_checksum_that_are_no_events_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(
        encode({"no": "event"}) + encode({"event": 5}) + encode({"event": "step", "step": 1, "elapsed": "x"})
    )
    assert steps(path) == [1]
    assert MetricsLog(path).elapsed == 0.0
