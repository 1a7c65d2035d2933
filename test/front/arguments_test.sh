# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Wrong use gets one clear error and exit 2; every command explains itself.

refused() {
  local said status=0
  said=$("$SOCLE_ROOT/socle" "$@" 2>&1 </dev/null) || status=$?
  equal 2 "$status" "status of: socle $*"
  equal 1 "$(grep -c 'error:' <<<"$said")" "number of errors of: socle $*"
  contains "$said" '^Try: ./socle .*--help$'
}

test_wrong_use_is_refused_with_2() {
  refused
  refused no-such-command
  refused setup --no-such-option
  refused test --no-such-option
  refused test no-such-stage
  refused run --no-such-option
  refused run extra words
  refused run --
  refused run --cpus none -- true
  refused run --cpus
  refused run --memory 12Q
  refused run --memory ''
  refused run --timeout soon
  refused run --preset host
  refused run --kernel /no/such/file
  refused run --initrd /no/such/file
  refused run --disk /no/such/file
  refused run --hypervisor /no/such/file
  refused run --overlay /no/such/file
  refused run --dom0-mem much
  refused run --machine no-such-board
  refused run --machine xlnx-zcu102 --gic 3
  refused run --machine xlnx-zcu102 --nvme /dev/null
  refused run --machine xlnx-zcu102 --hypervisor none
  refused run --uefi-first /no/such/file
  refused run --acpi --hypervisor none --uefi-by grub
  refused plan
}

test_every_command_has_help() {
  local command
  for command in setup run test plan; do
    contains "$("$SOCLE_ROOT/socle" "$command" --help)" "^Usage: ./socle $command"
  done
  contains "$("$SOCLE_ROOT/socle" help)" '^Usage: ./socle COMMAND'
}

test_nothing_is_installed_without_being_asked() {
  local said status=0
  said=$(need_packages "./socle run --yes" no-such-package-anywhere </dev/null 2>&1) || status=$?
  equal 1 "$status" "status"
  contains "$said" 'no-such-package-anywhere.*type: ./socle run --yes'
}

test_without_root_and_sudo_the_whole_command_for_root_is_told() {
  local said status=0
  # shellcheck disable=SC2034,SC2317 # used by what is tested
  said=$(ASSUME_YES=yes; can_be_root() { false; }; need_packages hint no-such-package another-one 2>&1) || status=$?
  equal 1 "$status" "status"
  contains "$said" "run 'apt-get install no-such-package another-one' as root"
}

test_no_home_is_no_error() {
  contains "$(env -u HOME -u XDG_CACHE_HOME -u SOCLE_CACHE "$SOCLE_ROOT/socle" setup --help 2>&1)" 'now /.*/\.cache/socle'
}

test_a_cache_that_cannot_be_written_is_named() {
  local said status=0
  said=$(SOCLE_CACHE=/proc/no-such-place "$SOCLE_ROOT/socle" run --print 2>&1) || status=$?
  equal 1 "$status" "status"
  contains "$said" 'error: cannot write to /proc/no-such-place .*SOCLE_CACHE'
}

test_the_installed_packages_are_known() {
  equal "" "$(missing_packages dpkg bash)" "missing of dpkg and bash"
  equal "no-such-package" "$(missing_packages dpkg no-such-package bash)" "missing"
}

test_sizes_are_read_as_qemu_reads_them() {
  equal $((512 * MIB)) "$(parse_size 512)" 512
  equal $((512 * MIB)) "$(parse_size 512M)" 512M
  equal $((4096 * MIB)) "$(parse_size 4G)" 4G
  equal 1099511627776 "$(parse_size 1T)" 1T
  equal 65536 "$(parse_size 64k)" 64k
  equal $((8 * MIB)) "$(parse_size 08M)" 08M
}

test_numbers_are_decimal() {
  run_defaults
  run_arguments --timeout 08
  check_arguments
  equal 8 "$OPT_TIMEOUT" "seconds"
}

test_words_of_a_command_are_quoted_for_a_shell() {
  equal 'a line | of shell' "$(command_text 'a line | of shell')" "one word"
  equal "[it's][\$x]['']" "$(bash -c "$(command_text printf '[%s]' "it's" '$x' "''")")" "several words"
}

# failing_session NAME: a machine that says NAME, waits, and ends before it has a shell.
failing_session() (
  # shellcheck disable=SC2034 # read by what is tested
  WORK=$SCRATCH/$1 MARK=mark OPT_TIMEOUT=60 OPT_VERBOSE=no
  mkdir "$WORK"
  command_session sh -c "echo this is $1; sleep 1; echo $1 ends" >"$WORK/said" 2>&1
)

test_of_two_runs_at_once_each_shows_its_own_console() {
  failing_session first &
  sleep 0.3
  equal 125 "$(status_of failing_session second)" "status"
  wait $! || true
  contains "$(<"$SCRATCH/first/said")" 'this is first'
  contains "$(<"$SCRATCH/first/said")" 'first ends'
  contains "$(<"$SCRATCH/second/said")" 'this is second'
  equal 0 "$(grep -c first "$SCRATCH/second/said")" "lines of the first in the second"
  equal 0 "$(grep -c second "$SCRATCH/first/said")" "lines of the second in the first"
}
