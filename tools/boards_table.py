#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/boards.md: what `socle plan` says of every device tree of Debian's kernel packages.

    tools/boards_table.py [--program build/host/plan/socle-plan] [--trees FOLDER]... [--check]

--check writes nothing and fails if the page is not what would be written.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/boards.md"
HEAD = """# What Socle plans for {count} device trees

Written by `tools/boards_table.py` from what `socle plan --json` says of every device tree in Debian's
arm64 kernel packages (Linux {series}); do not edit. *Ready*: planned, and nothing that this Socle needs is
missing (a GIC that virtualises, timers). *Planned*: dom0's map is known, but Socle does not run there yet. *Refused*: there is
no plan. These are answers about trees: of the machines, only those of the test suite (QEMU) were ever booted.
"""


class Board:
    """What one tree gets."""

    def __init__(self, trees, path, report):
        name = path.relative_to(trees)
        self.vendor = name.parts[0]
        self.name = name.stem
        self.verdict = report["verdict"]
        # The place in the tree differs from board to board; the reason does not.
        self.reason = re.sub(r"^/\S+: ", "", report["reason"] or "")
        platform = report["platform"]
        self.iommus = sorted({i["kind"] for i in platform["iommus"] if i["enabled"]})
        self.masters = platform["dma_masters"]
        self.has_sram = any(m["reason"] == "on-chip SRAM" or "SRAM" in m["reason"].upper()
                            for m in (report["domain"] or {"mappings": []})["mappings"])


def plan(program, trees, path):
    done = subprocess.run([program, "--json", path], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, timeout=60, check=False)
    return Board(trees, path, json.loads(done.stdout))


def table(columns, rows):
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def count(boards, verdict):
    return sum(board.verdict == verdict for board in boards)


def summary_row(name, boards):
    protected = sum(m["is_behind_iommu"] for b in boards for m in b.masters)
    masters = sum(len(b.masters) for b in boards)
    kinds = collections.Counter(kind for board in boards for kind in board.iommus)
    return [name, len(boards), *(count(boards, v) for v in ("ready", "planned", "refused")),
            sum(b.has_sram for b in boards),
            ", ".join(f"{kind} ({n})" for kind, n in sorted(kinds.items())) or "-",
            f"{protected} of {masters}"]


def by_vendor(boards):
    vendors = sorted({board.vendor for board in boards})
    rows = [summary_row(v, [b for b in boards if b.vendor == v]) for v in vendors]
    return table(["vendor", "trees", "ready", "planned", "refused", "with on-chip SRAM",
                  "enabled IOMMUs (trees)", "DMA masters behind one"],
                 rows + [summary_row("**all**", boards)])


def by_reason(boards, verdict):
    groups = collections.defaultdict(list)
    for board in boards:
        if board.verdict == verdict:
            groups[board.reason].append(board)
    rows = []
    for reason, group in sorted(groups.items(), key=lambda item: -len(item[1])):
        vendors = collections.Counter(board.vendor for board in group)
        rows.append([reason, len(group), ", ".join(f"{v} {n}" for v, n in sorted(vendors.items()))])
    return table(["reason", "trees", "by vendor"], rows)


def names(boards, verdict):
    groups = collections.defaultdict(set)
    for board in boards:
        if board.verdict == verdict:
            groups[board.vendor].add(board.name)
    return "".join(f"- **{vendor}**: {', '.join(sorted(group))}\n"
                   for vendor, group in sorted(groups.items()))


def section(series, boards):
    text = f"\n## Linux {series}: {len(boards)} trees\n\n" + by_vendor(boards)
    for verdict, words in (("planned", "Planned, but Socle does not run there"), ("refused", "Refused")):
        if count(boards, verdict):
            text += f"\n{words}:\n\n{by_reason(boards, verdict)}\n{names(boards, verdict)}"
    return text


def page(sections):
    every = [board for boards in sections.values() for board in boards]
    return (HEAD.format(count=len(every), series=" and ".join(sections)) +
            "".join(section(series, boards) for series, boards in sections.items()) +
            "\n## Ready\n\n" + names(every, "ready"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=ROOT / "build/host/plan/socle-plan", type=pathlib.Path)
    parser.add_argument("--trees", action="append", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    sections = {}
    for trees in arguments.trees or [ROOT / f"build/deps/kernel-{s}/dtbs" for s in ("6.1", "6.12")]:
        paths = sorted(trees.rglob("*.dtb"))
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            sections[trees.resolve().parent.name.removeprefix("kernel-")] = list(
                pool.map(lambda path, trees=trees: plan(arguments.program, trees, path), paths))
    text = page(sections)
    if not arguments.check:
        PAGE.write_text(text, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != text:
        print("docs/boards.md is out of date: run tools/boards_table.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
