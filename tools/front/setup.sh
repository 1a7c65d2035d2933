# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What has to lie in build/deps before anything is built or booted. Each part is one function that
# makes one directory; `part` skips those that are complete, so a second call costs milliseconds.
#
#   build/deps/arm64/        libfdt, zlib and Xen's public headers for the arm64 build
#   build/deps/qemu/         QEMU 10 with the libraries it needs, where the machine's own is too old
#   build/deps/kernel-X.Y/   vmlinuz, the modules of the initrd, the boards' device trees
#   build/deps/busybox/      the arm64 busybox of the initrd
#   build/deps/initrd-X.Y.cpio
#   build/deps/xen/xen       Debian's own Xen for arm64, to compare with
#   build/deps/xen-acpi/xen  Debian's Xen once more, built with ACPI, which Debian leaves out
#   build/deps/uboot/u-boot.bin  U-Boot for QEMU's virt
#   build/deps/grub/         Debian's GRUB for arm64 UEFI: grubaa64.efi and its modules

RECIPE=3 # raise it when a part's contents change, so that old trees are made anew
DEFAULT_KERNEL=6.1
KERNELS=(6.1 6.12)
QEMU_MINIMUM=9

# part NAME DIRECTORY FUNCTION...: runs FUNCTION NEW_DIRECTORY unless DIRECTORY is complete.
part() {
  local name=$1 directory=$2
  shift 2
  if is_complete "$directory"; then return 0; fi
  say "setting up $name"
  mkdir -p "$DEPS"
  rm -rf "$directory.new"
  mkdir "$directory.new"
  "$@" "$directory.new"
  printf '%s\n' "$RECIPE" >"$directory.new/.socle-recipe"
  rm -rf "$directory"
  mv "$directory.new" "$directory"
}

# --- arm64 libraries ----------------------------------------------------------------------------

setup_arm64() { part "the arm64 libraries" "$DEPS/arm64" make_arm64; }

make_arm64() {
  fetch arm64 arm64 printf '%s\n' libfdt-dev libfdt1 libxen-dev zlib1g-dev
  unpack_set arm64 "$1"
}

# --- Debian's Xen -------------------------------------------------------------------------------

setup_xen() { part "Debian's Xen" "$DEPS/xen" make_xen; }

resolve_xen() { depends_on arm64 xen-system-arm64 '^xen-hypervisor-[0-9.]+-arm64$'; }

make_xen() {
  local image
  fetch xen arm64 resolve_xen
  unpack_set xen "$1" './boot/xen-*-arm64*'
  image=$(find "$1/boot" -name 'xen-*-arm64' -o -name 'xen-*-arm64.gz' | sort | head -n 1)
  case $image in
    *.gz) gzip -dc "$image" >"$1/xen" ;;
    ?*) cp "$image" "$1/xen" ;;
    *) die "Debian's Xen package holds no boot/xen-*-arm64" ;;
  esac
  rm -rf "${1:?}/boot"
}

# --- Xen with ACPI ------------------------------------------------------------------------------

# is_complete DIRECTORY: as `part` sees it.
is_complete() { [[ ${UPDATE:-no} == no && -f $1/.socle-recipe && $(<"$1/.socle-recipe") == "$RECIPE" ]]; }

setup_xen_acpi() { part "Debian's Xen, with ACPI" "$DEPS/xen-acpi" make_xen_acpi; }

resolve_xen_source() { newest_source xen; }

# Only the hypervisor, as Debian configures it but for ACPI, which upstream calls unsupported.
make_xen_acpi() {
  local directory=$1 log="$BUILD/xen-acpi.log" file version
  fetch xen-source source resolve_xen_source
  while read -r _ _ file _ version; do
    ln -s "$CACHE/debs/$file" "$directory/$file"
    printf '%s\n' "$version" >"$directory/version"
  done < <(listed "$(set_list xen-source)")
  say "building Xen $(<"$directory/version"); the log is ${log#"$SOCLE_ROOT/"}"
  build_xen_acpi "$directory" >"$log" 2>&1 || { tail -n 20 "$log" >&2; die "Xen does not build"; }
  cp "$directory/source/xen/xen" "$directory/xen"
  find "$directory" -mindepth 1 -maxdepth 1 ! -name xen ! -name version -exec rm -rf {} +
}

build_xen_acpi() (
  local make=(nice make XEN_TARGET_ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-)
  cd "$1" && dpkg-source -x ./*.dsc source && cd source || return 1
  { cat debian/xen-kconfig && printf 'CONFIG_%s=y\n' EXPERT UNSUPPORTED ACPI; } >xen/.config &&
    "${make[@]}" -C xen olddefconfig && grep -x 'CONFIG_ACPI=y' xen/.config &&
    "${make[@]}" -C xen -j "$(nproc)" build
)

# --- U-Boot -------------------------------------------------------------------------------------

setup_uboot() { part "U-Boot" "$DEPS/uboot" make_uboot; }

make_uboot() {
  fetch uboot arm64 printf '%s\n' u-boot-qemu
  unpack_set uboot "$1" './usr/lib/u-boot/qemu_arm64/u-boot.bin'
  mv "$1/usr/lib/u-boot/qemu_arm64/u-boot.bin" "$1/u-boot.bin"
  rm -rf "${1:?}/usr"
}

# --- GRUB ---------------------------------------------------------------------------------------

setup_grub() { part "GRUB" "$DEPS/grub" make_grub; }

make_grub() {
  fetch grub arm64 printf '%s\n' grub-efi-arm64-bin
  unpack_set grub "$1" './usr/lib/grub/arm64-efi/monolithic/grubaa64.efi' './usr/lib/grub/arm64-efi/*.lst' \
    './usr/lib/grub/arm64-efi/fdt.mod' './usr/lib/grub/arm64-efi/linux.mod' './usr/lib/grub/arm64-efi/xen_boot.mod'
  mv "$1/usr/lib/grub/arm64-efi/monolithic/grubaa64.efi" "$1/grubaa64.efi"
  rmdir "$1/usr/lib/grub/arm64-efi/monolithic"
  mv "$1/usr/lib/grub/arm64-efi" "$1/arm64-efi"
  rm -rf "${1:?}/usr"
}

# --- kernels ------------------------------------------------------------------------------------

# A series, and one of Debian's flavours of it: pages of 16 KiB, PREEMPT_RT, for virtual machines.
known_kernel() { [[ $1 =~ ^[0-9]+\.[0-9]+(-(16k|rt|cloud))?$ ]]; }

# kernel_package SERIES[-FLAVOUR]: the package that depends on the newest kernel.
kernel_package() {
  case $1 in
  *-16k) printf 'linux-image-arm64-16k\n' ;;
  *-*) printf 'linux-image-%s-arm64\n' "${1#*-}" ;;
  *) printf 'linux-image-arm64\n' ;;
  esac
}

# Made anew, too, when other modules are wanted.
setup_kernel() {
  local directory="$DEPS/kernel-$1"
  if [[ ! -f $directory/.modules || $(<"$directory/.modules") != "${INITRD_MODULES[*]}" ]]; then
    rm -f "$directory/.socle-recipe"
  fi
  part "Linux $1" "$directory" make_kernel "$1"
}

# The newest of that series in any suite, then the real package behind it.
resolve_kernel() {
  local package version
  package=$(kernel_package "$1")
  version=$(private_apt arm64 apt-cache madison "$package" |
    awk -F ' *[|] *' -v series="${1%-*}." 'index($2, series) == 1 { print $2; exit }')
  [[ -n $version ]] || die "Debian $(codename) and its backports have no kernel $1 ($package)"
  depends_on arm64 "$package=$version" '^linux-image-[0-9]'
}

make_kernel() {
  local series=$1 directory=$2 tree="$2/tree" version
  fetch "kernel-$series" arm64 resolve_kernel "$series"
  unpack_set "kernel-$series" "$tree" './boot/vmlinuz-*' './lib/modules/*' './usr/lib/linux-image-*'
  cp "$tree"/boot/vmlinuz-* "$directory/vmlinuz"
  mv "$tree"/usr/lib/linux-image-* "$directory/dtbs"
  version=$(basename "$tree"/lib/modules/*)
  PATH=$PATH:/usr/sbin:/sbin depmod -b "$tree" "$version"
  select_modules "$tree/lib/modules/$version" "$directory/lib/modules/$version"
  PATH=$PATH:/usr/sbin:/sbin depmod -b "$directory" "$version"
  printf '%s\n' "${INITRD_MODULES[*]}" >"$directory/.modules"
  rm -rf "$tree"
}

# --- busybox and the initrd ---------------------------------------------------------------------

setup_busybox() { part "busybox" "$DEPS/busybox" make_busybox; }

make_busybox() {
  fetch busybox arm64 printf '%s\n' busybox-static
  unpack_set busybox "$1" './bin/busybox'
}

setup_initrd() {
  local image="$DEPS/initrd-$1.cpio" source newer
  setup_kernel "$1"
  setup_busybox
  newer=no
  for source in "$SOCLE_ROOT"/tools/initrd/* "$DEPS/kernel-$1/.socle-recipe" "$DEPS/busybox/.socle-recipe"; do
    if [[ ! $image -nt $source ]]; then newer=yes; fi
  done
  [[ $newer == no ]] || make_initrd "$1" "$image"
}

# --- QEMU ---------------------------------------------------------------------------------------

# qemu_major PROGRAM: the major version it reports, or 0.
qemu_major() {
  local version
  version=$("$1" --version 2>/dev/null | sed -nE '1s/.*version ([0-9]+)\..*/\1/p') || true
  printf '%s\n' "${version:-0}"
}

# Sets QEMU to a program that is new enough; unpacks one into the build tree if there is none.
setup_qemu() {
  QEMU=$DEPS/qemu/qemu-system-aarch64
  if [[ -x $QEMU && ${UPDATE:-no} == no ]] && [[ $(qemu_major "$QEMU") -ge $QEMU_MINIMUM ]]; then return 0; fi
  if have qemu-system-aarch64 && [[ $(qemu_major qemu-system-aarch64) -ge $QEMU_MINIMUM ]]; then
    QEMU=$(command -v qemu-system-aarch64)
    return 0
  fi
  rm -rf "$DEPS/qemu"
  part "QEMU" "$DEPS/qemu" make_qemu
  [[ $(qemu_major "$QEMU") -ge $QEMU_MINIMUM ]] || { "$QEMU" --version >&2 || true; die "the unpacked QEMU does not run"; }
}

# What apt would newly install here for backports' QEMU: it and the libraries the machine lacks.
resolve_qemu() {
  private_apt "$(native_arch)" apt-get -s -q --no-remove -t "$(codename)-backports" \
    install qemu-system-arm qemu-system-data ipxe-qemu </dev/null |
    sed -nE 's/^Inst ([^ ]+) (\[[^]]*\] )?\(([^ ]+) .*/\1=\3/p'
}

make_qemu() {
  local directory=$1 program
  fetch qemu "$(native_arch)" resolve_qemu
  unpack_set qemu "$directory/root"
  rm -rf "$directory"/root/usr/share/{doc,man,locale,icons,applications,bug,lintian}
  program=$(find "$directory/root/usr/bin" -name qemu-system-aarch64)
  [[ -n $program ]] || die "the QEMU packages hold no qemu-system-aarch64"
  cp "$SOCLE_ROOT/tools/front/qemu-wrapper" "$directory/qemu-system-aarch64"
}

# --- all of it ----------------------------------------------------------------------------------

setup_all() {
  local series
  setup_arm64
  setup_qemu
  setup_xen
  setup_uboot
  setup_grub
  for series in "${KERNELS[@]}"; do setup_initrd "$series"; done
}

setup_help() {
  cat <<HELP
Usage: ./socle setup [--yes] [--update] [--run-only]

Makes this machine and build/ ready for everything else:
  - installs the Debian packages that builds and tests need (asks once; sudo when not root);
  - fetches the arm64 libraries, Linux ${KERNELS[*]}, busybox, Debian's Xen, U-Boot, GRUB, and a newer
    QEMU where the installed one is older than $QEMU_MINIMUM, and unpacks them into build/deps. apt checks their
    signatures and hashes; the machine's dpkg and apt settings are not touched.

Options:
  --yes, -y    install without asking
  --update     look for newer versions of what is fetched
  --run-only   only the packages that ./socle run needs, not those of the tests

Downloads are kept in \$SOCLE_CACHE (now $CACHE);
with them, a fresh clone is set up without network.
HELP
}

setup_main() {
  local packages=("${TEST_PACKAGES[@]}")
  while [[ $# -gt 0 ]]; do
    case $1 in
      --yes | -y) ASSUME_YES=yes ;;
      --update) UPDATE=yes ;;
      --run-only) packages=("${RUN_PACKAGES[@]}") ;;
      --help | -h) setup_help; return 0 ;;
      *) misuse "setup does not know '$1'" setup ;;
    esac
    shift
  done
  need_packages "./socle setup --yes" "${packages[@]}"
  with_lock "$CACHE/lock" setup_all
  say "ready: everything is in build/deps (QEMU: $QEMU)"
}
