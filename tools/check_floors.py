#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that no room includes what stands above it.

Reads tools/floors.toml, every #include "..." of the C++ and assembly sources, and the DEPS of every
socle_room() in the rooms' CMakeLists.txt. Prints one line for each offence; exit status 1 if there
is any, 2 if the table itself is wrong.
"""

import argparse
import fnmatch
import pathlib
import re
import sys
import tomllib

SOURCES = {".h", ".cc", ".S"}
TREES = ("src", "sim", "plan", "bench", "test")
# Directories that the build chooses among by include path, and the room they belong to.
ALIASES = {"port_impl": "port"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.MULTILINE)
ROOM_CALL = re.compile(r"socle_room\(\s*(\w+)([^)]*)\)", re.DOTALL)
# set(name words...) and list(APPEND name words...)
VARIABLE = re.compile(r"(?:set|list)\(\s*(?:APPEND\s+)?(\w+)\s+([^)]*)\)")
KEYWORDS = {"SOURCES", "HOST_SOURCES", "EL2_SOURCES", "DEPS", "TESTS", "EL2_TESTS", "TEST_DEPS"}


class TableError(Exception):
    """The table contradicts itself or the tree."""


class Floors:
    """The table, and the questions it answers."""

    def __init__(self, table):
        self.rooms = table["rooms"]
        self.private = table.get("private", [])
        self.files = table.get("files", {})
        self.tests = table.get("tests", {"files": [], "rooms": []})
        self.check_names()
        self.check_order()

    def check_names(self):
        lists = [*self.rooms.values(), *self.files.values(), self.tests["rooms"], self.private]
        for name in {name for names in lists for name in names} - {"*"}:
            if name not in self.rooms:
                raise TableError(f'floors.toml names an unknown room "{name}"')

    def check_order(self):
        """No room stands above itself."""
        done = set()

        def visit(room, above):
            if room in above:
                raise TableError("floors.toml goes round in a circle: " + " -> ".join([*above, room]))
            if room in done or "*" in self.rooms[room]:
                return
            for below in self.rooms[room]:
                visit(below, [*above, room])
            done.add(room)

        for room in self.rooms:
            visit(room, [])

    def allowed(self, path, room):
        """The rooms that the file `path` of `room` may include, its own left out."""
        rule = next((names for pattern, names in self.files.items()
                     if fnmatch.fnmatch(path, pattern)), self.rooms[room])
        names = (set(self.rooms) - set(self.private) if "*" in rule else set()) | set(rule) - {"*"}
        if any(fnmatch.fnmatch(path, pattern) for pattern in self.tests["files"]):
            names |= set(self.tests["rooms"])
        return names


def room_of(path):
    """The room of a path relative to the project's root."""
    return path.parts[1] if path.parts[0] == "src" else path.parts[0]


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def check_includes(floors, root, path):
    """Offences of one source file, as lines of text."""
    relative = path.relative_to(root)
    room = room_of(relative)
    text = path.read_text(encoding="utf-8")
    allowed = floors.allowed(relative.as_posix(), room)
    for match in INCLUDE.finditer(text):
        included = match.group(1)
        where = f"{relative}:{line_of(text, match.start())}"
        first = ALIASES.get(included.split("/")[0], included.split("/")[0])
        if "/" not in included or first not in floors.rooms:
            # Programs of their own (test guests, plugins) include what lies beside them.
            if relative.parts[0] == "src" or not (path.parent / included).exists():
                yield f'{where}: "{included}" begins with no room; include "room/file.h"'
        elif first != room and first not in allowed:
            names = " ".join(name for name in floors.rooms if name in allowed) or "nothing"
            yield f"{where}: room {room} may not include {included} (allowed here: {names})"


def check_links(floors, root, path):
    """Offences of the link lists in one CMakeLists.txt."""
    relative = path.relative_to(root)
    room = room_of(relative)
    text = path.read_text(encoding="utf-8")
    variables = {}
    for match in VARIABLE.finditer(text):
        variables.setdefault(match.group(1), []).extend(match.group(2).split())
    for match in ROOM_CALL.finditer(text):
        words = [each for word in match.group(2).split()
                 for each in variables.get(word.strip("${}"), []) or [word]]
        if "DEPS" not in words:
            continue
        for name in words[words.index("DEPS") + 1:]:
            if name in KEYWORDS:
                break
            # A library of a part of a room: hwdom_plan.
            target = name if name in floors.rooms else name.split("_")[0]
            if target != room and target not in floors.allowed(f"src/{room}/-", room):
                where = f"{relative}:{line_of(text, match.start())}"
                yield f"{where}: room {match.group(1)} may not link {name}"


def check_tree(floors, root):
    """All offences of a tree, and how many files were read."""
    offences = []
    count = 0
    for directory in sorted((root / "src").iterdir()):
        if directory.is_dir() and directory.name not in floors.rooms:
            offences.append(f"src/{directory.name}: this room is not in tools/floors.toml")
    for tree in TREES:
        for path in sorted((root / tree).rglob("*")):
            if room_of(path.relative_to(root)) not in floors.rooms or not path.is_file():
                continue
            if path.suffix in SOURCES:
                offences += check_includes(floors, root, path)
            elif path.name == "CMakeLists.txt" and tree == "src":
                offences += check_links(floors, root, path)
            else:
                continue
            count += 1
    return offences, count


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent.parent)
    root = parser.parse_args(arguments).root
    try:
        with open(root / "tools" / "floors.toml", "rb") as table:
            floors = Floors(tomllib.load(table))
    except (OSError, tomllib.TOMLDecodeError, KeyError, TableError) as error:
        print(f"check_floors: {error}", file=sys.stderr)
        return 2
    offences, count = check_tree(floors, root)
    for offence in offences:
        print(offence, file=sys.stderr)
    if offences:
        print(f"check_floors: {len(offences)} offences in {count} files; the table is "
              "tools/floors.toml", file=sys.stderr)
        return 1
    print(f"check_floors: {count} files keep to their floors")
    return 0


if __name__ == "__main__":
    sys.exit(main())
