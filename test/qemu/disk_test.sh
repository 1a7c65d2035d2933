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

# behind_an_smmu DOM0_WORDS [RUN OPTIONS]: IOMMUs that dom0 drives, and what an NVMe disk behind one reads back.
behind_an_smmu() {
  dom0 --qemu-arg -machine --qemu-arg iommu=smmuv3 --nvme "$(scratch disk.img 8M)" --append "$1" "${@:2}" -- '
    ls /sys/class/iommu | grep -c smmu; cat /sys/kernel/iommu_groups/*/type 2>/dev/null | sort -u
    seq 10000 | dd of=/dev/nvme0n1 bs=4k conv=fsync 2>/dev/null; blockdev --flushbufs /dev/nvme0n1
    dd if=/dev/nvme0n1 bs=4k 2>/dev/null | head -c 48894 | md5sum | cut -c 1-8' | tr '\n' ' '
}

test_an_smmu_is_hidden_or_dom0s_on_request() {
  local sum
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  sum=$(seq 10000 | md5sum | cut -c 1-8)
  equal "0 $sum " "$(behind_an_smmu quiet)" "with an SMMU that is hidden"
  contains "$(<"$SOCLE_CONSOLE_LOG")" 'SMMUv3, ...\) are hidden from dom0 and not driven'
  equal "1 identity $sum " "$(behind_an_smmu iommu.passthrough=1 --hv-append iommu-passthrough=all)" "with dom0's SMMU"
  contains "$(<"$SOCLE_CONSOLE_LOG")" 'SMMUv3\) is passed through: .*iommu.passthrough=1'
}

test_virtio_pci_disk_under_load() { survives --disk /dev/vda; }
test_virtio_mmio_disk_under_load() { survives --mmio-disk /dev/vda; }
test_nvme_disk_under_load() { survives --nvme /dev/nvme0n1; }
