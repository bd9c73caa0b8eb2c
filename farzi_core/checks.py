"""Do the settings of a run and its data fit together? Asked before anything is trained."""

from farzi_core.config import RunConfig
from farzi_core.data.dataset import Dataset
from farzi_core.errors import ConfigError
from farzi_core.limits import MAX_AVERAGED_BYTES, MAX_COVERING_WINDOWS, MAX_DENSE_NUMBERS, MIB


def check(config: RunConfig, dataset: Dataset) -> None:
    """Raise `ConfigError` where settings and data do not fit together."""
    if dataset.info.task == "language" and config.evaluation.mask_seen:
        raise ConfigError(
            f"evaluation.mask_seen = True: {dataset.info.name!r} is text, whose words come again; set it to False"
        )
    synthetic, users = config.synthetic, len(dataset.split["train"])
    if synthetic.mu > users:
        raise ConfigError(f"synthetic.mu = {synthetic.mu}: the data has only {users} training sequences; choose fewer")
    if synthetic.d > len(dataset.vocab):
        raise ConfigError(
            f"synthetic.d = {synthetic.d}: the data has only {len(dataset.vocab)} items; choose fewer factors"
        )
    _check_covering(config)
    _check_average(config, len(dataset.vocab))
    _check_teachers(config, len(dataset.vocab), users)
    _check_taught_labels(config, len(dataset.vocab))


def _check_covering(config: RunConfig) -> None:
    """Windows are chosen one by one, each from more candidates the more there are."""
    windows = config.synthetic.mu * config.synthetic.xi // config.stretch
    if config.excerpts and windows > MAX_COVERING_WINDOWS:
        raise ConfigError(
            f"synthetic.start = 'covering': {config.synthetic.mu} sequences of {config.synthetic.xi} events are "
            f"{windows:,} windows of {config.stretch}, more than {MAX_COVERING_WINDOWS:,}; choose fewer or longer "
            "ones, or synthetic.start = 'matched'"
        )


def _check_average(config: RunConfig, items: int) -> None:
    """The snapshots to average stand in every checkpoint."""
    average, synthetic = config.validation.average, config.synthetic
    one = 4 * synthetic.d * (synthetic.latents + items)  # bytes, float32
    if average > 1 and average * one > MAX_AVERAGED_BYTES:
        raise ConfigError(
            f"validation.average = {average}: snapshots of {one / MIB:,.1f} MiB each are more than the "
            f"{MAX_AVERAGED_BYTES // MIB} MiB of them in a checkpoint; choose at most {MAX_AVERAGED_BYTES // one}"
        )


def _check_teachers(config: RunConfig, items: int, users: int) -> None:
    """What teachers expect of the real batch is held during a window."""
    outer, length = config.outer, config.student_length
    numbers, most = min(outer.batch, users) * (length - 1) * items, MAX_DENSE_NUMBERS // ((length - 1) * items)
    if config.objective.ensemble and numbers > MAX_DENSE_NUMBERS:
        way = f"set outer.batch to at most {most:,}" if most else "set inner.crop or data.max_items lower"
        raise ConfigError(
            f"objective.teachers = {config.objective.teachers}: predictions for outer.batch = {outer.batch} sequences "
            f"of {length} events over {items:,} items are {numbers:,} numbers, more than {MAX_DENSE_NUMBERS:,}; {way}, "
            "or objective.teachers to 0"
        )


def _check_taught_labels(config: RunConfig, items: int) -> None:
    """What teachers predict at every position is held as a whole."""
    synthetic = config.synthetic
    numbers = synthetic.mu * synthetic.xi * items
    if config.teaches and numbers > MAX_DENSE_NUMBERS:
        raise ConfigError(
            f"taught labels: predictions for {synthetic.mu} x {synthetic.xi} events over {items:,} items are "
            f"{numbers:,} numbers, more than {MAX_DENSE_NUMBERS:,}; choose at most {MAX_DENSE_NUMBERS // items:,} "
            "events in all, a lower data.max_items, or synthetic.start_labels = 'next' and no taught_windows"
        )
