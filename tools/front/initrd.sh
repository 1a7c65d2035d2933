# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The initrd of the test domain: busybox, the modules a dom0 in QEMU needs, tools/initrd/init.
# It is an uncompressed cpio: unpacking is slow under emulation, loading is not.

# Modules that init may load, by name; their dependencies come along.
INITRD_MODULES=(virtio_mmio virtio_pci virtio_blk virtio_net virtio_rng virtio_console nvme ext4
  crc32c_generic crc32c-generic loop xenfs xen-evtchn xen-gntdev xen-gntalloc xen-privcmd
  xen-blkback xen-netback xen-netfront xen-blkfront bridge tun dm-mod efivarfs qemu_fw_cfg)

# select_modules FROM TO: copies the wanted modules with all they depend on, from one
# lib/modules/VERSION directory (with modules.dep) to another.
select_modules() {
  local from=$1 to=$2 path
  mkdir -p "$to"
  cp "$from"/modules.builtin* "$from"/modules.order "$to/"
  printf '%s\n' "${INITRD_MODULES[@]}" | tr - _ | awk '
    NR == FNR { wanted[$1] = 1; next }
    {
      path = $1; sub(/:$/, "", path)
      name = path; sub(/.*\//, "", name); sub(/\.ko.*/, "", name); gsub(/-/, "_", name)
      if (name in wanted) { print path; for (i = 2; i <= NF; i++) print $i }
    }' - "$from/modules.dep" | sort -u | while read -r path; do
    mkdir -p "$to/${path%/*}"
    cp "$from/$path" "$to/$path"
    case $path in *.xz) unxz "$to/$path" ;; *.gz) gunzip "$to/$path" ;; esac
  done
}

# pack_cpio DIRECTORY: its contents as a reproducible newc archive on stdout.
pack_cpio() {
  (cd "$1" && find . -mindepth 1 -exec touch -h -d @0 {} + &&
    find . -mindepth 1 -print0 | LC_ALL=C sort -z |
    cpio --quiet --null -o -H newc --reproducible --owner=+0:+0)
}

make_initrd() {
  local series=$1 image=$2 root="$BUILD/deps/initrd-$1.root"
  say "building the initrd for Linux $series"
  rm -rf "$root"
  mkdir -p "$root"/{bin,sbin,usr/bin,usr/sbin,etc,proc,sys,dev,run,tmp,root,mnt,lib/modules}
  cp "$DEPS/busybox/bin/busybox" "$root/bin/busybox"
  cp -r "$DEPS/kernel-$series"/lib/modules/. "$root/lib/modules/"
  install -m 755 "$SOCLE_ROOT/tools/initrd/init" "$root/init"
  install -m 755 "$SOCLE_ROOT/tools/initrd/udhcpc.script" "$root/etc/udhcpc.script"
  pack_cpio "$root" >"$image.new"
  mv "$image.new" "$image"
  rm -rf "$root"
}
