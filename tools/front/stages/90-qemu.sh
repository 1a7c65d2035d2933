# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
about="whole systems in QEMU: boot, console, machines, disks, network"
slow=yes

exists() { [[ ${SOCLE_TEST_HYPERVISOR:-socle} != socle ]] || tracked 'src/image/*.cc' | grep -q .; }

# An image set aside, so that a build that happens meanwhile does not change what is tested.
stage() {
  local preset
  if [[ ${SOCLE_TEST_HYPERVISOR:-socle} == socle ]]; then
    for preset in el2-release el2-debug; do
      build_preset "$preset"
      cp "build/$preset/socle.bin" "$BUILD/test/$preset.bin"
    done
  fi
  run_topics qemu
}
