#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows that lines which must not compile do not, and that they are the reason.

In a snippet, such a line ends with the comment "// refused: TEXT". For each of them the snippet is
compiled with this one line and without all others like it: that must fail, with TEXT in an error
message. Without any of them the snippet must compile. The compiler and its options are those of
SOURCE in compile_commands.json, a file that sees the rooms below hypercalls and Xen's headers: what
holds there holds everywhere.
"""

import argparse
import concurrent.futures
import json
import pathlib
import re
import shlex
import subprocess
import sys

SOURCE = "src/guest/grant_table.cc"
MARK = re.compile(r"//\s*refused:\s*(\S.*?)\s*$")


def compiler_command(build):
    """The command that compiles one file of the project, without input and output."""
    entries = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    entry = next(e for e in entries if e["file"].endswith(SOURCE))
    words = shlex.split(entry["command"])
    if "ccache" in words[0]:
        words = words[1:]
    kept = []
    skip = False
    for word in words:
        if skip or word in ("-c", "-MD"):
            skip = False
        elif word in ("-o", "-MT", "-MF"):
            skip = True
        elif not word.endswith(SOURCE):
            kept.append(word)
    return kept + ["-Wno-unused-parameter", "-Wno-unused-variable", "-fsyntax-only",
                   "-fno-color-diagnostics", "-xc++", "-"]


def compile_text(command, text):
    """Whether the text compiles, and what the compiler said."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stderr


def with_only(lines, kept):
    """The snippet without marked lines, except number `kept` (None: without all)."""
    return "\n".join("" if MARK.search(line) and number != kept else line
                     for number, line in enumerate(lines)) + "\n"


def check(command, name, lines, number):
    """One complaint, or None, about line `number` (None: the snippet without marked lines)."""
    compiles, said = compile_text(command, with_only(lines, number))
    if number is None:
        return None if compiles else f"{name}: does not compile without its marked lines:\n{said}"
    where = f"{name}:{number + 1}"
    expected = MARK.search(lines[number]).group(1)
    if compiles:
        return f"{where}: compiles, and must not: {lines[number].strip()}"
    errors = [line for line in said.splitlines() if "error:" in line]
    if not any(expected in line for line in errors):
        return f'{where}: is refused, but not with "{expected}":\n' + "\n".join(errors)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("snippets", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    command = compiler_command(options.build)
    jobs = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for path in options.snippets:
            lines = path.read_text(encoding="utf-8").splitlines()
            marked = [number for number, line in enumerate(lines) if MARK.search(line)]
            if not marked:
                print(f"{path}: no line is marked", file=sys.stderr)
                return 1
            jobs += [pool.submit(check, command, path.name, lines, number)
                     for number in [None, *marked]]
    complaints = [job.result() for job in jobs if job.result() is not None]
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    print(f"{len(jobs) - len(options.snippets)} lines are refused as they should be"
          if not complaints else f"{len(complaints)} of {len(jobs)} compilations went wrong")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
