"""results.json of compare.py as one picture: time ratio, peak memory and gradient error against T."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

PANELS = {
    "ratio": "CPU seconds / own plain training",
    "peak_mb": "peak memory above the idle process, MB",
    "error": "relative error of (dZ, dM) to float64",
}


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """One panel a figure, one line a method; values that are not finite are left out."""
    figure, axes = pyplot.subplots(1, len(PANELS), figsize=(15, 5), constrained_layout=True)
    done = [{**row, "ratio": row["seconds"] / row["own_seconds"]} for row in rows if "seconds" in row]
    for axis, (key, title) in zip(axes, PANELS.items(), strict=True):
        for method in dict.fromkeys(row["method"] for row in done):
            points = [(row["T"], row[key]) for row in done if row["method"] == method and key in row]
            ours = method.startswith("ours")
            axis.plot(*zip(*points, strict=True), "o-" if ours else "s--", label=method, linewidth=2 if ours else 1)
        axis.set(xlabel="T, inner Adam steps", ylabel=title, xscale="log", yscale="linear" if key == "ratio" else "log")
        axis.set_xticks(sorted({row["T"] for row in done}), [str(T) for T in sorted({row["T"] for row in done})])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=9)
    figure.savefig(path, dpi=110)
