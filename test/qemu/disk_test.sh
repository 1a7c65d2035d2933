# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# 256 MiB written, dropped from the cache, read back, while every vCPU is busy. The host compares the
# file as well: DMA that went elsewhere cannot hide behind a cache.

# 16 MiB of noise sixteen times, each time rotated further, so that no two places hold the same.
WRITE_AND_READ='
  head -c 16777216 /dev/urandom >/tmp/noise
  for cpu in $(seq $(nproc)); do while :; do :; done & renice -n 19 -p $!; done
  noise() {
    for turn in $(seq 0 15); do
      dd if=/tmp/noise bs=1M skip=$turn 2>/dev/null
      dd if=/tmp/noise bs=1M count=$turn 2>/dev/null
    done
  }
  noise | md5sum | cut -c 1-32
  noise | dd of=DEVICE bs=1M iflag=fullblock
  sync; blockdev --flushbufs DEVICE; echo 3 >/proc/sys/vm/drop_caches
  dd if=DEVICE bs=1M count=256 | md5sum | cut -c 1-32
  kill $(jobs -p)
  grep -E "virtio|nvme" /proc/interrupts
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
