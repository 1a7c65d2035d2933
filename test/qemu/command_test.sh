# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# ./socle run -- CMD: words, output, status.

test_the_words_of_a_command_arrive_as_given() {
  local out
  out=$(dom0 -- printf '[%s]' "it's" 'two  blanks' '$HOME' '' '*')
  equal "[it's][two  blanks][\$HOME][][*]" "$out" "several words"
  equal "/tmp x" "$(dom0 -- 'cd /tmp && echo "$(pwd) x"')" "one word is a shell line"
}

test_output_arrives_byte_for_byte() {
  local out
  out=$(dom0 -- 'printf "a\r\n\ttab\n\nno newline"' | od -A n -c | tr -d ' \n')
  equal 'a\r\n\ttab\n\nnonewline' "$out" "output"
}

test_stdout_holds_the_output_only() {
  equal hello "$(dom0 -v -- echo hello 2>/dev/null)" "stdout"
}

test_a_status_is_passed_on() {
  equal 42 "$(status_of dom0 -- 'exit 42')" "status"
  equal 127 "$(status_of dom0 -- no-such-program)" "status of a missing program"
}

test_a_command_without_end_is_stopped_with_124() {
  equal 124 "$(TIMEOUT=20 status_of dom0 -- sleep 1000)" "status"
}

test_a_boot_that_fails_is_125() {
  equal 125 "$(status_of dom0 --append 'rdinit=/nowhere init=/nowhere' -- true)" "status after a kernel panic"
  equal 125 "$(status_of dom0 --kernel "$SOCLE_ROOT/socle" -- true)" "status with a kernel that is none"
}

test_output_of_a_megabyte_is_complete() {
  equal 1048576 "$(dom0 -- 'yes 0123456789abcde | head -c 1048576' | wc -c)" "bytes"
}
