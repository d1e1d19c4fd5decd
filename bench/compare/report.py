"""The tables for people, and the rows for target/bench/summary.json."""

import json
from pathlib import Path

from .run import best_known

PREFIX = "peers: "
# GPUs that may be missing from the optimum, per cent.
GAP = 3.0


def table(header, rows):
    """Aligned columns: the first two to the left, figures to the right."""
    lines = [header, *rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(header))]
    text = []
    for line in lines:
        cells = [
            c.ljust(w) if at < 2 or at == len(line) - 1 else c.rjust(w)
            for at, (c, w) in enumerate(zip(line, widths))
        ]
        text.append("  ".join(cells).rstrip())
    text.insert(1, "  ".join("-" * w for w in widths))
    return "\n".join(text)


def matchers_table(results):
    """Time and what is placed, instance by instance."""
    rows = []
    for result in results:
        entry = result["instance"]
        name = f"{entry['name']} ({entry['requests']} x {entry['offers']}, {entry['pairs']} pairs)"
        best = {f: best_known(result["rows"], f) for f in ("gpus", "welfare", "gpu_welfare")}
        for row in result["rows"]:
            rows.append(
                [
                    name,
                    row["matcher"],
                    _seconds(row["seconds"]),
                    str(row.get("requests", "")),
                    *_shares(row, best),
                    row["is"],
                ]
            )
            name = ""
    header = [
        "instance",
        "matcher",
        "seconds",
        "requests",
        "GPUs",
        "of best",
        "welfare",
        "of best",
        "by GPU",
        "of best",
        "what it is",
    ]
    return table(header, rows)


def _shares(row, best):
    for figure in ("gpus", "welfare", "gpu_welfare"):
        value, bound = row.get(figure), best[figure]
        # Scores count in steps of 10^-8 of the highest factor sum.
        yield "" if value is None else str(value) if figure == "gpus" else f"{value / 1e8:.1f}"
        yield "" if value is None or bound is None else f"{value / bound:.1%}"


def _seconds(value):
    return f"{value:.4f}" if value < 0.1 else f"{value:.2f}"


def weights_table(weights):
    """GPUs placed by policy, worst and mean over the loads, and what tenants get, GPU by GPU."""
    rows = []
    for policy, parts in weights.items():
        whole = [p for p in parts if p["kind"] == "trace"]
        young = [p for p in parts if p["kind"] == "young"]
        shares = [f"{p['share']:.1%}" for p in whole]
        least = min(p["share"] for p in whole)
        means = [
            sum(p[key] for p in whole) / len(whole)
            for key in ("region", "ask_of_reference", "uptime", "reputation")
        ]
        worth = sum(p["gpu_welfare"] for p in whole) / sum(p["gpus"] for p in whole)
        rows.append(
            [
                policy,
                "yes" if least >= 1 - GAP / 100 else "no",
                *shares,
                f"{min(p['share'] for p in young):.1%}",
                *(f"{mean:.3f}" for mean in means),
                f"{worth / 1e8:.3f}",
            ]
        )
    loads = [
        f"{'as is' if 'published' in p['instance'] else 'several'} {p['instance'].split()[-2]}" for p in whole
    ]
    header = ["weights", "97 %", *loads, "young", "region", "ask/ref", "uptime", "reputation", "score a GPU"]
    return table(header, rows)


def summary_rows(results, weights):
    """Rows as the other figures of the bench have them."""
    rows = []
    for result in results:
        name = result["instance"]["name"]
        for row in result["rows"]:
            label = f"{PREFIX}{row['matcher']}, {name}"
            rows.append(_row(label, row["seconds"] * 1e3, "ms"))
        for figure, word, target in (("gpus", "GPUs", GAP), ("welfare", "welfare", None)):
            best = best_known(result["rows"], figure)
            if best is not None:
                missing = 100 * (1 - result["rows"][0][figure] / best)
                asked = target if result["instance"]["kind"] == "trace" and figure == "gpus" else None
                label = f"{PREFIX}{word} missing from the optimum or its bound, default weights, {name}"
                rows.append(_row(label, missing, "%", asked))
    for policy, parts in weights.items():
        worst = max(100 * (1 - p["share"]) for p in parts if p["kind"] == "trace")
        label = f"{PREFIX}GPUs missing from the bound at worst, weights: {policy}"
        rows.append(_row(label, worst, "%"))
    return rows


def _row(name, value, unit, target=None):
    met = None if target is None else value <= target
    return {"name": name, "value": round(value, 3), "unit": unit, "target": target, "met": met}


def merge(path: Path, rows):
    """Puts the rows into a summary in place of an earlier run's; other rows stay."""
    kept = json.loads(path.read_text()) if path.exists() else []
    if not isinstance(kept, list):
        raise ValueError(f"{path}: expected a list of rows, got {type(kept).__name__}")
    kept = [row for row in kept if not row["name"].startswith(PREFIX)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(kept + rows, indent=2) + "\n")
