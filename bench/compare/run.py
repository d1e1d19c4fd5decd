"""All matchers on all instances, and how far the weights' study falls short of the optimum."""

import json
from pathlib import Path

from . import matchers
from .instance import read

# lap fills a dense matrix, and its time grows with the cube.
DENSE_PAIRS = 60_000
# CP-SAT closes no gap beyond this within its time.
WHOLE_SECONDS = 20
WHOLE_PAIRS = 30_000


def compare(folder: Path, say):
    """What everybody makes of the instances in a folder: rows of matcher and figures by instance."""
    described = json.loads((folder / "instances.json").read_text())
    results = []
    for entry in described["instances"]:
        say(entry["name"])
        results.append({"instance": entry, "rows": list(_rows(entry, read(folder / entry["file"])))})
    return results, _weights(described["weights"], results)


def _rows(entry, instance):
    ours = {
        "requests": entry["placed_requests"],
        "gpus": entry["placed_gpus"],
        "welfare": entry["welfare"],
        "gpu_welfare": entry["gpu_welfare"],
    }
    yield {"matcher": "quorate", **ours, "seconds": entry["ours_seconds"], "is": "the outcome"}
    yield {
        "matcher": "sort all pairs",
        **ours,
        "seconds": entry["naive_seconds"],
        "is": "the same matching as ours",
    }
    yield {"matcher": "or-tools max flow", **matchers.most_gpus(instance)}
    if entry["kind"] != "young":
        yield {"matcher": "or-tools min-cost flow", **matchers.most_welfare(instance)}
    if entry["kind"] == "trace":
        by_gpu = matchers.most_welfare(instance, by_gpu=True)
        yield {"matcher": "or-tools min-cost flow, by GPU", **by_gpu}
    if instance.is_assignment():
        yield {"matcher": "matching", **matchers.stable(instance)}
        if len(instance.offer) <= DENSE_PAIRS:
            yield {"matcher": "lap", **matchers.dense(instance)}
    elif len(instance.offer) <= WHOLE_PAIRS:
        yield {"matcher": "or-tools CP-SAT", **matchers.most_gpus_whole(instance, WHOLE_SECONDS)}


def best_known(rows, figure):
    """The least bound on a figure that a row of others proves; an optimum is one."""
    return min((row["proves"][figure] for row in rows if figure in row.get("proves", {})), default=None)


def check(results):
    """What must hold: nobody is above a bound, and lap and the flow find the same optimum."""
    for result in results:
        name, rows = result["instance"]["name"], result["rows"]
        for figure in ("gpus", "welfare", "gpu_welfare"):
            bound = best_known(rows, figure)
            above = [row["matcher"] for row in rows if bound is not None and row.get(figure, 0) > bound]
            if above:
                raise ValueError(f"{name}: {above} above the bound of {bound} on {figure}")
        dense = [row["welfare"] for row in rows if row["matcher"] == "lap"]
        if dense and dense[0] != best_known(rows, "welfare"):
            raise ValueError(f"{name}: lap finds {dense[0]}, the flow {best_known(rows, 'welfare')}")


def _weights(studies, results):
    """For each policy and part of the trace: GPUs as a share of the bound, and what tenants get."""
    bounds = {r["instance"]["name"]: best_known(r["rows"], "gpus") for r in results}
    kinds = {r["instance"]["name"]: r["instance"]["kind"] for r in results}
    table = {}
    for study in studies:
        name, figures = study["instance"], study["figures"]
        row = {"instance": name, "kind": kinds[name], "share": figures["gpus"] / bounds[name]}
        table.setdefault(study["policy"], []).append({**row, **figures})
    return table
