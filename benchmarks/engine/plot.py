"""results.json of compare.py as one picture (time, peak memory and gradient error against T), and as a table.

python benchmarks/engine/plot.py     draws results/results.png again and prints the tables of docs/engine-benchmark.md
"""

import json
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

PANELS = {
    "per_step": "CPU seconds an inner step",
    "peak_mb": "peak memory above the idle process, MB",
    "error": "relative error of (dZ, dM) to float64",
}


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """One panel a figure, one line a method; values that are not finite are left out."""
    figure, axes = pyplot.subplots(1, len(PANELS), figsize=(15, 5), constrained_layout=True)
    done = [{**row, "per_step": row["seconds"] / row["T"]} for row in rows if "seconds" in row]
    methods = list(dict.fromkeys(row["method"] for row in done))
    colours = dict(zip(methods, pyplot.colormaps["tab20"].colors, strict=False))
    for axis, (key, title) in zip(axes, PANELS.items(), strict=True):
        for method in methods:
            points = [(row["T"], row[key]) for row in done if row["method"] == method and key in row]
            ours = method.startswith("ours")
            axis.plot(*zip(*points, strict=True), "o-" if ours else "s--", label=method, color=colours[method],
                      linewidth=2 if ours else 1)  # fmt: skip
        axis.set(
            xlabel="T, inner Adam steps", ylabel=title, xscale="log", yscale="linear" if key == "per_step" else "log"
        )
        axis.set_xticks(sorted({row["T"] for row in done}), [str(T) for T in sorted({row["T"] for row in done})])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=9)
    figure.savefig(path, dpi=110)


def table(rows: list[dict[str, Any]]) -> str:
    """One line a method and T: seconds, ratio to its own plain training, memory above the plain dense one, error."""
    lines = ["| method | T | seconds | x own training | extra MB | error |", "|---|---|---|---|---|---|"]
    for row in rows:
        extra = f"{row['peak_mb'] - row['plain_mb']:,.0f}" if "plain_mb" in row else f"{row['peak_mb']:,.0f} \u2020"
        error = f"{row['error']:.1e}" if "error" in row else ""
        ratio = row["seconds"] / row["own_seconds"]
        lines.append(f"| {row['method']} | {row['T']} | {row['seconds']:.1f} | {ratio:.2f} | {extra} | {error} |")
    return "\n".join(lines)


def gpu_table(rows: list[dict[str, Any]]) -> str:
    """The rows of gpu.py for docs/engine-benchmark.md."""
    eager = {row["case"]: row["ms"] for row in rows if row["method"] == "ours, eager"}
    lines = [
        "| method | ms | of eager | a reverse step, ms | extra MB | error | first, s |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        share = f"{row['ms'] / eager[row['case']]:.2f}" if "K =" not in row["method"] else ""
        step, error = (
            f"{row[key]:{form}}" if key in row else "" for key, form in (("reverse_ms_a_step", ".1f"), ("error", ".1e"))
        )
        first = f"{row['first_s']:.1f}" if "first_s" in row else ""
        lines.append(
            f"| {row['method']} | {row['ms']:,.0f} | {share} | {step} | {row['peak_mb']:,.0f} | {error} | {first} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    folder = Path(__file__).resolve().parent / "results"
    found = json.loads((folder / "results.json").read_text())["rows"]
    draw(found, folder / "results.png")
    print(table([row for row in found if row["T"] in (20, 100, 500)]))
    print(gpu_table(json.loads((folder / "gpu.json").read_text())["rows"]))
