#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Seeds for acpi_fuzz: acpi_seeds.py FOLDER FILE... writes each dump's tables, and each memory map, as one file."""
import pathlib
import re
import sys

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for name in sys.argv[2:]:
    dump = pathlib.Path(name)
    if dump.suffix != ".acpidump":
        (folder / dump.name).write_bytes(b"\2" + dump.read_bytes())  # 2: a memory map
        continue
    lines = re.findall(r"^ +[0-9A-F]+: ((?:[0-9A-F]{2} )+)", dump.read_text(), re.M)
    seed = b"\0" + bytes.fromhex("".join(lines))  # 0: tables one behind the other
    (folder / dump.stem).write_bytes(seed)
