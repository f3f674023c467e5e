"""The generated part of RESULTS.md: what was promised, what was measured, and the peers in the same run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks.figures import Section

PAGE = Path(__file__).with_name("RESULTS.md")
BEGIN, END = "<!-- generated: begin -->", "<!-- generated: end -->"

TARGETS: Mapping[str, tuple[str, str, float]] = {
    "idle.process.running_reported.p50_ms": ("idle: submit → running, process, median ms", "≤", 50),
    "idle.process.running_reported.p99_ms": ("idle: submit → running, process, 99th percentile ms", "≤", 150),
    "idle.docker.over_engine.p50_ms": (
        "idle: submit → running, Docker with a present image, beyond the engine's own, median ms", "≤", 60,
    ),
    "submit.1_client_per_s": ("submissions/s, one client, SQLite", "≥", 400),
    "submit.8_clients_per_s": ("submissions/s, eight clients, SQLite", "≥", 1000),
    "submit.postgresql.1_client_per_s": ("submissions/s, one client, PostgreSQL", "≥", 400),
    "submit.postgresql.8_clients_per_s": ("submissions/s, eight clients, PostgreSQL", "≥", 1000),
    "bulk.list_per_s": ("jobs/s in lists of 10,000, SQLite", "≥", 20_000),
    "bulk.array_per_s": ("jobs/s as arrays of 10,000, SQLite", "≥", 20_000),
    "postgresql.bulk.list_per_s": ("jobs/s in lists of 10,000, PostgreSQL", "≥", 20_000),
    "postgresql.bulk.array_per_s": ("jobs/s as arrays of 10,000, PostgreSQL", "≥", 20_000),
    "page.p99_ms": ("a page of 100 of 100,000 jobs, 99th percentile ms, SQLite", "≤", 50),
    "postgresql.page.p99_ms": ("a page of 100 of 100,000 jobs, 99th percentile ms, PostgreSQL", "≤", 50),
    "memory.list.after_submitting_mb": ("memory with 100,000 waiting jobs, MB", "≤", 400),
    "memory.array.after_submitting_mb": ("memory with an array of 100,000 waiting, MB", "≤", 400),
    "drain.1000_per_s": ("drain of 1,000 jobs that do nothing, one agent, jobs/s", "≥", 150),
    "cold: build the board and plan, 1-GPU jobs_ms": (
        "one plan from cold, 100,000 waiting × 1,000 nodes × 8 GPUs, ms", "≤", 2000,
    ),
    "full cluster: plan after 10 jobs ended_ms": ("one plan with 100,000 waiting after 10 jobs ended, ms", "≤", 100),
    "takeover.killed.runs.p99_ms": (
        "kill -9 of the leading replica → a job submitted to the other one runs, ms", "≤", 2000,
    ),
    "takeover.stopped.plans.p99_ms": (
        "SIGSTOP of the leading replica (lease 1.5 s) → the other one assigns a job submitted to it, ms", "≤", 3500,
    ),
    "web.first_load.javascript_kb": ("web UI: JavaScript of a first visit, kB compressed", "≤", 300),
    "web.first_load.usable.p99_ms": ("web UI: first visit → dashboard usable, 99th percentile ms", "≤", 1000),
    "web.event_seen.p99_ms": ("web UI: job submitted → seen on the page, 99th percentile ms", "≤", 200),
    "web.log.lag.p99_ms": ("web UI: lag of the log view at 5,000 lines/s, 99th percentile ms", "≤", 1000),
}  # fmt: skip
"""What is aimed for: a figure, what it is, and its bound."""

COMPARED: Mapping[str, str] = {
    "idle.first_instruction.p50_ms": "idle: submit → first instruction, median ms",
    "submit.1_client_per_s": "submissions/s, one client",
    "submit.8_clients_per_s": "submissions/s, eight clients",
    "drain.1000_per_s": "drain of 1,000 jobs that do nothing, 64 slots, jobs/s",
}
"""What is measured alike on the peers."""

PEERS: Mapping[str, str] = {"hyperqueue": "HyperQueue", "slurm": "Slurm", "slurm-tuned": "Slurm, tuned"}


HEAD = ["figure", "median", "p99", "least", "n", ""]
STATISTICS = ["p50_ms", "p99_ms", "min_ms"]


def write(sections: Mapping[str, Section]) -> None:
    """Replace the generated part of the page; what people wrote around it stays."""
    page = PAGE.read_text() if PAGE.exists() else f"# Results\n\n{BEGIN}\n{END}\n"
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{render(sections).strip()}\n\n{END}{after}")


def render(sections: Mapping[str, Section]) -> str:
    """The tables, as Markdown."""
    ours = {key: f.value for name, s in sections.items() if name not in PEERS for key, f in s.figures.items()}
    whole, engine = (ours.get(f"idle.docker.{name}.p50_ms") for name in ("running_reported", "engine_alone"))
    if whole is not None and engine is not None:
        ours["idle.docker.over_engine.p50_ms"] = whole - engine
    parts = [_machine(sections), "## Targets\n"]
    lines = []
    for key, (what, side, bound) in TARGETS.items():
        value = ours.get(key)
        met = value is not None and (value <= bound if side == "≤" else value >= bound)
        verdict = "not measured" if value is None else "met" if met else "**missed**"
        lines.append([what, f"{side} {bound:,g}", _number(value), verdict])
    parts.append(_table(["measure", "target", "measured", ""], lines))
    parts.append("## Beside the peers\n\nRatios above 1 are in favour of Lilac.\n")
    present = [name for name in PEERS if name in sections]
    lines = []
    for key, what in COMPARED.items():
        cells = [what, _number(ours.get(key))]
        for name in present:
            theirs = sections[name].figures.get(key)
            cells.append(_beside(ours.get(key), theirs.value if theirs else None, key.endswith("_ms")))
        lines.append(cells)
    parts.append(_table(["measure", "Lilac", *(f"{PEERS[name]} (ratio)" for name in present)], lines))
    notes = [f"{PEERS[name]}: {'; '.join(sections[name].notes)}." for name in present if sections[name].notes]
    parts.append("\n".join(f"* {note}" for note in notes) + "\n")
    parts.append("## All figures\n")
    for name, section in sections.items():
        header = "; ".join([section.at, f"load {section.machine['load'][0]} at the start", *section.notes])
        parts.append(f"### {name}\n\n{header}\n")
        parts.append(_table(HEAD, rows(section)))
    return "\n".join(parts)


def rows(section: Section) -> list[list[str]]:
    """A section's figures under `HEAD`; median, 99th percentile and least of one span share a row."""
    found: dict[str, list[str]] = {}
    for key, figure in section.figures.items():
        name, _, statistic = key.rpartition(".")
        if statistic in STATISTICS:
            row = found.setdefault(name, [f"{name}, ms", "", "", "", str(figure.n), figure.note])
            row[1 + STATISTICS.index(statistic)] = _number(figure.value)
        else:
            found[key] = [_with_unit(key), _number(figure.value), "", "", str(figure.n), figure.note]
    return list(found.values())


def _with_unit(key: str) -> str:
    return f"{key[:-6]}, per s" if key.endswith("_per_s") else f"{key[:-3]}, ms" if key.endswith("_ms") else key


def _machine(sections: Mapping[str, Section]) -> str:
    last = max(sections.values(), key=lambda section: section.at)
    facts = last.machine
    return (
        f"Measured on {last.at[:10]}: {facts['cores']} cores ({facts['cpu']}), {facts['memory_gb']} GiB, "
        f"Linux {facts['kernel']}, Python {facts['python']}. Platform, agents, peers and clients share the machine.\n"
    )


def _beside(ours: float | None, theirs: float | None, less_is_better: bool) -> str:
    if theirs is None:
        return "—"
    if ours is None:
        return _number(theirs)
    ratio = theirs / ours if less_is_better else ours / theirs
    return f"{_number(theirs)} ({_number(ratio)})"


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in lines) + "\n"
