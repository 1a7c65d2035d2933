# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The private apt's sources are the Debian entries of the machine's own, whatever their style.

sources_of() { awk -v codename=bookworm -f "$SOCLE_ROOT/tools/front/apt-sources.awk" "$@"; }

test_one_line_entries_are_read() {
  local out
  cat >"$SCRATCH/a.list" <<'LIST'
# deb http://comment.invalid/debian bookworm main
deb http://mirror.invalid/debian bookworm main contrib # the mirror
deb-src http://mirror.invalid/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://security.invalid/debian-security bookworm-security main
LIST
  out=$(sources_of "$SCRATCH/a.list")
  equal 3 "$(grep -c '^URIs:' <<<"$out")" "number of entries"
  contains "$out" '^URIs: http://security.invalid/debian-security$'
  contains "$out" '^Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg$'
  contains "$out" '^Suites: bookworm-backports$'
  equal 2 "$(grep -c '^URIs: http://mirror.invalid/debian$' <<<"$out")" "the mirror and its backports"
}

test_deb822_entries_are_read() {
  local out
  cat >"$SCRATCH/a.sources" <<'SOURCES'
# a comment
Types: deb deb-src
URIs: http://mirror.invalid/debian
  http://other.invalid/debian
Suites: bookworm bookworm-updates
Components: main non-free-firmware
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://off.invalid/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://source.invalid/debian
Suites: bookworm
Components: main
SOURCES
  out=$(sources_of "$SCRATCH/a.sources")
  equal 3 "$(grep -c '^URIs:' <<<"$out")" "number of entries"
  contains "$out" '^URIs: http://other.invalid/debian$'
  contains "$out" '^Suites: bookworm bookworm-updates$'
}

test_source_packages_come_from_the_same_places() {
  local out
  printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.invalid/debian bookworm main\n' \
    >"$SCRATCH/a.list"
  out=$(sources_of -v kind=deb-src "$SCRATCH/a.list")
  equal "$(sources_of "$SCRATCH/a.list" | sed 's/^Types: deb$/Types: deb-src/; s/^Targets: .*/Targets: Sources/')" "$out" "sources"
  contains "$out" '^Types: deb-src$'
}

test_other_archives_are_left_out() {
  local out
  cat >"$SCRATCH/a.list" <<'LIST'
deb [signed-by=/usr/share/keyrings/vendor.gpg] https://vendor.invalid bookworm main
deb [signed-by=/usr/share/keyrings/vendor.gpg] https://vendor.invalid bookworm stable
deb http://pgdg.invalid bookworm-pgdg main
deb http://mirror.invalid/debian bookworm main
LIST
  out=$(sources_of "$SCRATCH/a.list")
  ! grep -qE 'vendor|pgdg' <<<"$out" || fail "$out"
}

test_what_weakens_apt_is_not_copied() {
  local out
  printf 'deb [trusted=yes allow-insecure=yes] http://mirror.invalid/debian bookworm main\n' >"$SCRATCH/a.list"
  out=$(sources_of "$SCRATCH/a.list")
  ! grep -qiE 'trusted|insecure' <<<"$out" || fail "$out"
}

test_backports_of_the_machine_are_not_doubled() {
  local out
  cat >"$SCRATCH/a.list" <<'LIST'
deb http://mirror.invalid/debian bookworm main
deb http://backports.invalid/debian bookworm-backports main
LIST
  out=$(sources_of "$SCRATCH/a.list")
  equal 1 "$(grep -c 'bookworm-backports' <<<"$out")" "entries of backports"
}

test_a_machine_without_debian_is_told_so() {
  printf 'deb http://mirror.invalid/ubuntu noble main\n' >"$SCRATCH/a.list"
  equal 1 "$(status_of sources_of "$SCRATCH/a.list")" "status"
}
