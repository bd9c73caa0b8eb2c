"""The paper's table 2 on built-in data: four objectives, Adam or SGD inside, at equal outer steps and at equal time.

    python -m benchmarks.quality.objectives                          # python-calls, demo, 3 seeds
    python -m benchmarks.quality.objectives --data planted --seeds 5 --set outer.steps=200
    python -m benchmarks.quality.objectives --draw                   # only the picture, from the rows there are

DC is gradient matching, MM meta-matching from random weights, MTT trajectory matching, Farzi meta-matching with Omega;
all have the same factorisation, start, Omega and validation, none has teachers (meta-matching alone can), and a student
is trained by its own inner optimiser. Equal time is what Farzi with Adam needs for the configured outer steps,
validation apart; how many steps that is for another cell follows from its seconds a step at equal steps, so that its
cosine schedule ends there. Beside them: the start before any outer step, full data, and random users. Fresh students,
test users.

Writes objectives-<data>-<preset>.json after every row; rows of an earlier call with the same settings are kept. The
picture beside it needs matplotlib (benchmarks/engine/requirements.txt). `python -m benchmarks.quality.tables write`
puts them into docs/results.md.
"""

import argparse
import importlib.util
import json
from pathlib import Path
from typing import Any

from torch import Tensor

from farzi_core.commands.settings import configured
from farzi_core.config import RunConfig, with_settings
from farzi_core.data.dataset import Dataset
from farzi_core.device import CPU, describe, use_threads
from farzi_core.distill.loop import Distillation
from farzi_core.distill.start import initial
from farzi_core.distill.synthetic import Synthetic
from farzi_core.evaluation.compare import Outcome
from farzi_core.evaluation.final import Examiner
from farzi_core.evaluation.report import METRIC_LABELS, Metric, shown
from farzi_core.models.model import build
from farzi_core.pipeline import load
from farzi_core.recorder import MemoryRecorder
from farzi_core.teacher.omega import trajectories

OBJECTIVES: dict[str, dict[str, Any]] = {
    "Farzi": {"objective.kind": "meta"},
    "MM": {"objective.kind": "meta", "inner.omega_share": 0},
    "MTT": {"objective.kind": "trajectory"},
    "DC": {"objective.kind": "gradient"},
}
Row = dict[str, Any]


class Table:
    """The rows so far, in a file that is whole after every row."""

    def __init__(self, path: Path, about: Row) -> None:
        self._path, self._about = path, json.loads(json.dumps(about))
        known = json.loads(path.read_text()) if path.exists() else {}
        self.rows: list[Row] = known["rows"] if known.get("about") == self._about else []

    def row(self, keys: Row, make: Any) -> Row:
        """The row with these keys, made if it is not there."""
        found = next((row for row in self.rows if keys.items() <= row.items()), None)
        if found is None:
            found = {**keys, **make()}
            self.rows.append(found)
            self._path.write_text(json.dumps({"about": self._about, "rows": self.rows}, indent=1) + "\n")
            print(line(found), flush=True)
        return found


def line(row: Row) -> str:
    numbers = (f"{METRIC_LABELS[Metric(one)]} {shown(Metric(one), value)}" for one, value in row["metrics"].items())
    place = f"seed {row['seed']}  {row['objective']:12s} {row['optimizer']:4s} {row['equal']:5s}"
    return f"{place} {row['steps']:5d} steps {row['seconds']:7.1f} s  {'  '.join(numbers)}"


def keys(config: RunConfig, objective: str, equal: str) -> Row:
    """What a row is found by; `equal`: steps or time, or nothing to compare."""
    return {"seed": config.seed, "objective": objective, "optimizer": config.inner.optimizer, "equal": equal}


def examiner(config: RunConfig, dataset: Dataset) -> Examiner:
    return Examiner(config, config.model.kind, dataset, CPU, MemoryRecorder())


def judged(asked: Examiner, outcome: Outcome) -> Row:
    """A row that takes no outer step: mean over students of the metrics on test users."""
    found = [asked.measures.of(seen, asked.items) for seen in outcome.seen]
    means = {str(metric): sum(one[metric] for one in found) / len(found) for metric in asked.measures.metrics}
    return {"steps": 0, "seconds": 0.0, "metrics": means}


def distilled(config: RunConfig, dataset: Dataset, omega: Tensor, start: Synthetic) -> Row:
    """One distillation: the seconds of its outer steps, and what students reach on the best snapshot."""
    recorder = MemoryRecorder()
    done = Distillation(config, dataset, omega, CPU).run(start, recorder)
    asked = examiner(config, dataset)
    taken = [event["seconds"] for event in recorder.events if event["event"] == "step"]
    reached = judged(asked, asked.distilled(done.best.synthetic.probs()))
    return {
        **reached,
        "steps": config.outer.steps,
        "seconds": sum(taken),
        "taken": len(taken),
        "best": done.best.step,
        "diverged": done.diverged,
    }


def steps_in(seconds: float, row: Row) -> int:
    """Outer steps that take `seconds` at the speed of `row`, whose run may have diverged before its last step."""
    taken = row.get("taken", row["steps"])
    return max(1, round(seconds * taken / row["seconds"])) if taken else int(row["steps"])


def one_seed(table: Table, base: RunConfig, sgd: dict[str, Any], dataset: Dataset) -> None:
    """All rows of one seed, Farzi with Adam first: its seconds are everyone's."""
    train, items = dataset.part("train"), len(dataset.vocab)
    omega = trajectories(build(base.model, items, base.student_length), train, base, CPU)
    start, asked = initial(train, items, base.synthetic, base.seed), examiner(base, dataset)
    table.row(keys(base, "full data", "-"), lambda: judged(asked, asked.full()))
    table.row(keys(base, "random users", "-"), lambda: judged(asked, asked.equal_size()[0]))
    budget = 0.0
    for settings in ({"inner.optimizer": "adam"}, {"inner.optimizer": "sgd", **sgd}):
        chosen = with_settings(base, settings)
        other = examiner(chosen, dataset)
        table.row(keys(chosen, "start", "-"), lambda: judged(other, other.distilled(start.probs())))  # noqa: B023
        for name, objective in OBJECTIVES.items():
            config = with_settings(chosen, objective)
            row = table.row(keys(config, name, "steps"), lambda: distilled(config, dataset, omega, start))  # noqa: B023
            budget = budget or row["seconds"]
            longer = with_settings(config, {"outer.steps": steps_in(budget, row)})
            table.row(keys(config, name, "time"), lambda: distilled(longer, dataset, omega, start))  # noqa: B023


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="python-calls")
    parser.add_argument("--preset", default="demo")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sgd-lr", type=float, default=0.3, help="inner.lr of the cells with SGD")
    parser.add_argument("--set", nargs="*", default=[])
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent)
    parser.add_argument("--draw", action="store_true")
    asked = parser.parse_args()
    path = asked.folder / f"objectives-{asked.data}-{asked.preset}.json".replace(":", "-")
    if not asked.draw:
        fixed = {"evaluation.baselines": "random_users", "data.source": asked.data}
        base = with_settings(configured(None, asked.preset, asked.set).untaught, fixed)
        use_threads(base.runtime.threads)
        dataset = load(base, MemoryRecorder())
        settings, info = base.model_dump(mode="json"), dataset.info.model_dump(mode="json")
        about = {"data": info, "settings": settings, "sgd": {"inner.lr": asked.sgd_lr}, "device": describe(CPU)}
        table = Table(path, about)
        for seed in range(asked.seeds):
            one_seed(table, with_settings(base, {"seed": seed}), about["sgd"], dataset)
    if asked.draw or importlib.util.find_spec("matplotlib"):
        from benchmarks.quality.objectives_plot import draw

        draw(json.loads(path.read_text()), path.with_suffix(".png"))


if __name__ == "__main__":
    main()
