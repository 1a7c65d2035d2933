#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of check_floors.py, on small trees made for the purpose."""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import check_floors  # noqa: E402

TABLE = """
private = ["image", "test"]
[rooms]
base = []
port = ["base"]
stage2 = ["base", "port"]
hwdom = ["base", "stage2"]
image = ["*"]
sim = ["base"]
test = ["*"]
[files]
"src/hwdom/plan*" = ["base"]
"src/port/host/*" = ["base", "sim"]
[tests]
files = ["*_test.cc"]
rooms = ["sim"]
"""


class CheckFloors(unittest.TestCase):
    def check(self, files, table=TABLE):
        """Exit status and output of the program on a tree with these files."""
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            for name, text in {"tools/floors.toml": table, "src/base/a.h": "", **files}.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            out = io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
                status = check_floors.main(["--root", str(root)])
            return status, out.getvalue()

    def assert_good(self, files, table=TABLE):
        self.assertEqual(self.check(files, table)[0], 0, self.check(files, table)[1])

    def assert_bad(self, files, *fragments):
        status, output = self.check(files)
        self.assertEqual(status, 1)
        for fragment in fragments:
            self.assertIn(fragment, output)

    def test_a_room_includes_itself_and_what_is_below(self):
        self.assert_good({"src/stage2/a.cc": '#include "stage2/a.h"\n#include "port/p.h"\n'})

    def test_including_what_is_above_is_an_offence_with_file_and_line(self):
        self.assert_bad({"src/base/b.h": '\n#include "stage2/a.h"\n'},
                        "src/base/b.h:2", "room base may not include stage2/a.h")

    def test_system_headers_and_comments_do_not_matter(self):
        self.assert_good({"src/base/b.h": '#include <vector>\n// #include "stage2/a.h"\n'})

    def test_spaces_do_not_hide_an_include(self):
        self.assert_bad({"src/base/b.h": '  #  include   "stage2/a.h"\n'}, "stage2/a.h")

    def test_assembly_is_read_too(self):
        self.assert_bad({"src/base/b.S": '#include "stage2/a.h"\n'}, "src/base/b.S:1")

    def test_nobody_includes_a_private_room(self):
        self.assert_bad({"src/hwdom/a.cc": '#include "image/a.h"\n'}, "image/a.h")
        self.assert_good({"src/image/a.cc": '#include "image/a.h"\n#include "hwdom/b.h"\n'})

    def test_a_private_room_is_open_to_rooms_that_name_it(self):
        table = TABLE.replace('test = ["*"]', 'test = ["*", "image"]')
        self.assert_good({"test/a.cc": '#include "image/a.h"\n'}, table)
        self.assert_bad({"test/a.cc": '#include "image/a.h"\n'}, "image/a.h")

    def test_only_tests_and_the_host_seam_include_sim(self):
        self.assert_bad({"src/stage2/a.cc": '#include "sim/mmu.h"\n'}, "sim/mmu.h")
        self.assert_good({"src/stage2/a_test.cc": '#include "sim/mmu.h"\n',
                          "src/port/host/tlb.cc": '#include "sim/mmu.h"\n'})

    def test_a_file_with_its_own_rule_does_not_get_its_rooms(self):
        self.assert_bad({"src/hwdom/plan.h": '#include "stage2/a.h"\n'}, "src/hwdom/plan.h:1")
        self.assert_good({"src/hwdom/build.h": '#include "stage2/a.h"\n'})

    def test_the_chosen_side_of_the_seam_belongs_to_port(self):
        self.assert_good({"src/port/tlb.h": '#include "port_impl/tlb.h"\n'})
        self.assert_bad({"src/base/b.h": '#include "port_impl/tlb.h"\n'}, "port_impl/tlb.h")

    def test_an_include_without_a_room_is_an_offence(self):
        self.assert_bad({"src/base/b.h": '#include "a.h"\n'}, "begins with no room")

    def test_programs_of_their_own_include_what_lies_beside_them(self):
        self.assert_good({"test/guests/a.cc": '#include "guest.h"\n', "test/guests/guest.h": ""})
        self.assert_bad({"test/guests/a.cc": '#include "gone.h"\n'}, "gone.h")

    def test_a_room_that_the_table_does_not_know_is_an_offence(self):
        self.assert_bad({"src/attic/a.h": ""}, "src/attic: this room is not in")

    def test_link_lists_follow_the_table(self):
        self.assert_bad({"src/port/CMakeLists.txt": "socle_room(port\n  DEPS base stage2\n  TESTS a)"},
                        "src/port/CMakeLists.txt:1", "may not link stage2")
        self.assert_good({"src/hwdom/CMakeLists.txt": "socle_room(hwdom DEPS base hwdom_plan)"})

    def test_link_lists_in_variables_are_read_too(self):
        text = "set(deps base)\nlist(APPEND deps {})\nsocle_room(port DEPS ${{deps}} TESTS a)"
        self.assert_bad({"src/port/CMakeLists.txt": text.format("stage2")}, "may not link stage2")
        self.assert_good({"src/port/CMakeLists.txt": text.format("base")})

    def test_a_table_with_a_circle_is_refused(self):
        status, output = self.check({}, '[rooms]\nbase = ["port"]\nport = ["base"]\n')
        self.assertEqual(status, 2)
        self.assertIn("circle", output)

    def test_a_table_with_an_unknown_room_is_refused(self):
        status, output = self.check({}, '[rooms]\nbase = ["attic"]\n')
        self.assertEqual(status, 2)
        self.assertIn("attic", output)


if __name__ == "__main__":
    unittest.main()
