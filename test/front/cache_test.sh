# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What was fetched once is enough: no network, no apt, and nothing that is not what Debian signed.

# A clone of the tree as it is (with what is not committed yet), without build/.
clone() {
  mkdir "$SCRATCH/clone"
  (cd "$SOCLE_ROOT" && git ls-files -z --cached --others --exclude-standard -- socle tools |
    xargs -0 cp --parents -t "$SCRATCH/clone")
}

# cache_is_whole: somebody may have emptied the cache after build/deps was made.
cache_is_whole() {
  local name
  for name in arm64 busybox xen kernel-6.1 kernel-6.12; do [[ -f $(set_list "$name") ]] || return 1; done
  [[ ! -d $DEPS/qemu || -f $(set_list qemu) ]]
}

test_a_fresh_clone_is_set_up_from_the_cache() {
  cache_is_whole || fail "the cache in $CACHE was emptied; ./socle setup --update fills it"
  clone
  without_network "$SCRATCH/clone/socle" setup
  [[ -x $SCRATCH/clone/build/deps/qemu/qemu-system-aarch64 ]] || have qemu-system-aarch64
  cmp "$SCRATCH/clone/build/deps/initrd-6.1.cpio" "$DEPS/initrd-6.1.cpio"
  [[ -f $SCRATCH/clone/build/deps/arm64/usr/include/libfdt.h ]]
}

test_a_second_setup_takes_less_than_five_seconds() {
  local started=$EPOCHREALTIME
  without_network "$SOCLE_ROOT/socle" setup
  awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { print b - a " s"; exit !(b - a < 5) }'
}

test_a_damaged_package_is_never_unpacked() {
  local said status=0
  clone
  mkdir -p "$SCRATCH/cache"
  cp -r "$CACHE/sets" "$SCRATCH/cache/"
  mkdir "$SCRATCH/cache/debs"
  cp "$CACHE"/debs/{libfdt,libxen-dev}*.deb "$SCRATCH/cache/debs/"
  printf 'x' | dd of="$(find "$SCRATCH/cache/debs" -name 'libfdt-dev*')" bs=1 seek=200 conv=notrunc status=none
  said=$(SOCLE_CACHE=$SCRATCH/cache without_network "$SCRATCH/clone/socle" setup 2>&1) || status=$?
  printf '%s\n' "$said"
  equal 1 "$status" "status"
  contains "$said" 'apt-get was called' # it tries to fetch the package again
  [[ ! -e $SCRATCH/clone/build/deps/arm64 ]] || fail "unpacked all the same"
}
