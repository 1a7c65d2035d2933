# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
about="the hypervisor builds, debug and release, without undefined symbols"
slow=no

exists() { [[ -f $SOCLE_ROOT/CMakePresets.json && -d $SOCLE_ROOT/src/image ]] && tracked 'src/image/*.cc' | grep -q .; }

stage() {
  local preset
  for preset in el2-debug el2-release; do
    build_preset "$preset"
    [[ -f build/$preset/socle.bin ]]
    is_arm64_image "build/$preset/socle.bin"
    printf '%s: socle.bin %s\n' "$preset" "$(human_size "$(file_size "build/$preset/socle.bin")")"
    count 1 0
  done
}
