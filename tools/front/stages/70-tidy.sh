# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
about="clang-tidy of the C++ sources (with --full: of the tests, too)"
slow=no

exists() { [[ -f $SOCLE_ROOT/.clang-tidy ]]; }

# compiled PRESET: the project's sources that this preset compiles.
compiled() {
  python3 - "$BUILD/$1/compile_commands.json" "$SOCLE_ROOT" <<'PYTHON'
import json, os, sys
for entry in json.load(open(sys.argv[1])):
    path = os.path.relpath(os.path.join(entry["directory"], entry["file"]), sys.argv[2])
    if path.endswith(".cc") and not path.startswith(("build/", "..")):
        print(path)
PYTHON
}

# A source is checked as the hypervisor compiles it; those of the host only, as the host does.
stage() {
  local preset files=() failed=0 seen left_out='_test\.cc$'
  if [[ $FULL == yes ]]; then left_out='^$'; fi
  seen=$BUILD/test/tidy.seen
  : >"$seen"
  for preset in el2-debug host-asan; do
    build_preset "$preset"
    mapfile -t files < <(compiled "$preset" | sort -u | grep -vxF -f "$seen" | grep -v "$left_out")
    [[ ${#files[@]} -gt 0 ]] || continue
    printf '%s\n' "${files[@]}" >>"$seen"
    printf '%d sources as %s compiles them\n' "${#files[@]}" "$preset"
    printf '%s\0' "${files[@]}" |
      xargs -0 -n 1 -P "$(nproc)" clang-tidy-19 --quiet --warnings-as-errors='*' -p "build/$preset" 2>/dev/null || failed=1
  done
  return "$failed"
}
