# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# 256 MiB written, dropped from the cache, read back, while every vCPU is busy. The host compares the
# file as well: DMA that went elsewhere cannot hide behind a cache.

WRITE_AND_READ='
  for cpu in $(seq $(nproc)); do while :; do :; done & done
  size=$((256 * 1024 * 1024))
  block=$(head -c 1048576 /dev/urandom | tee /tmp/block | md5sum)
  {
    for number in $(seq 256); do echo "$number $block" | dd bs=4096 count=1 conv=sync 2>/dev/null; tail -c +4097 /tmp/block; done
  } | tee DEVICE | md5sum | cut -c 1-32
  sync; blockdev --flushbufs DEVICE; echo 3 >/proc/sys/vm/drop_caches
  head -c $size DEVICE | md5sum | cut -c 1-32
  kill $(jobs -p)
  grep -E "virtio|nvme" /proc/interrupts >&2
'

# survives OPTION DEVICE
survives() {
  local file sums
  file=$(scratch disk.img 256M)
  sums=$(TIMEOUT=300 dom0 "$1" "$file" -- "${WRITE_AND_READ//DEVICE/$2}")
  printf '%s\n' "$sums"
  mapfile -t sums < <(grep -E '^[0-9a-f]{32}$' <<<"$sums")
  equal 2 "${#sums[@]}" "number of sums"
  equal "${sums[0]}" "${sums[1]}" "sum of what was read back"
  equal "${sums[0]}" "$(md5sum <"$file" | cut -c 1-32)" "sum of the file on the host"
}

test_virtio_pci_disk_under_load() { survives --disk /dev/vda; }
test_virtio_mmio_disk_under_load() { survives --mmio-disk /dev/vda; }
test_nvme_disk_under_load() { survives --nvme /dev/nvme0n1; }
