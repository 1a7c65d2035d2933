# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# One hostile guest (test/guests/acpi_space.cc) as dom0 on ACPI, on Socle and on Debian's Xen built with ACPI, on
# the same machine in one run: which pages that are not its own does each give it? ./socle bench --acpi counts
# what that costs.

# Pages that it asks for as Linux's bus notifiers do: console, GICD, ITS, SMMU, RTC, virtio, others' RAM.
ASKED=9000000,8000000,8080000,9050000,9010000,a000000,80000000,b0000000

# walk HYPERVISOR: what the guest says. RAM is 2 GiB from 0x40000000, and the guest's own is one of them.
walk() {
  "$SOCLE_ROOT/socle" run --yes --acpi --hypervisor "$1" --timeout 900 --memory 2G --dom0-mem 1G \
    --qemu-arg -machine --qemu-arg iommu=smmuv3 --kernel "$SOCLE_ROOT/build/el2-release/guests/acpi_space.bin" \
    --append "pages=$ASKED ways=90000000 window=4010000000" </dev/null | tr -d '\r' |
    grep -a -E '^(own|asked|way|window|space|compiler|changed|guest|done)' | tee "$SCRATCH/${1##*/}.said"
}

# pages BEGIN END KINDS <WHAT THE GUEST SAYS: how many there are between these, of lines that match.
pages() {
  local begin end what sum=0
  while read -r _ begin end what; do
    begin=$((16#$begin > 16#$1 ? 16#$begin : 16#$1)) end=$((16#$end < 16#$2 ? 16#$end : 16#$2))
    if [[ $what =~ ^($3)$ && $end -gt $begin ]]; then sum=$((sum + (end - begin) / 4096)); fi
  done < <(grep '^space ')
  printf '%d\n' "$sum"
}

# count_pages NAME WHAT-THE-GUEST-SAYS: a line for each thing that is not the guest's.
count_pages() {
  local rest="pages that a load reads"
  printf '%s: RAM that is not its own: %d %s of %d\n' "$1" "$(pages 40000000 c0000000 read <<<"$2")" "$rest" \
    "$(pages 40000000 c0000000 'read|single|abort' <<<"$2")"
  printf '%s: ITS: %d %s of 32\n' "$1" "$(pages 8080000 80a0000 'read|single' <<<"$2")" "$rest"
  printf '%s: SMMU: %d %s of 32\n' "$1" "$(pages 9050000 9070000 'read|single' <<<"$2")" "$rest"
}

full_what_xen_with_acpi_gives_a_hostile_dom0_and_socle_does_not() {
  local socle xen said ram
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  socle=$(walk "$IMAGE")
  xen=$(walk xen)
  count_pages Socle "$socle"
  count_pages Xen "$xen"
  diff <(grep '^space' <<<"$socle") <(grep '^space' <<<"$xen") || true
  for said in "$socle" "$xen"; do
    equal "done" "$(tail -n 1 <<<"$said")" "the guest's last line"
    equal "window 65536" "$(grep '^window' <<<"$said")" "pages of PCI's configuration space"
  done

  # Socle: nothing of all that, and a notifier is told so.
  equal 0 "$(pages 40000000 c0000000 'read|single' <<<"$socle")" "pages of others' RAM"
  equal 0 "$(pages 8080000 80a0000 'read|single' <<<"$socle")" "pages of the ITS"
  equal 0 "$(pages 9050000 9070000 'read|single' <<<"$socle")" "pages of the SMMU"
  equal '9000000 -1 abort
8000000 -1 single
8080000 -1 abort
9050000 -1 abort
9010000 0 read
a000000 0 read
80000000 -1 abort
b0000000 -1 abort' "$(sed -n 's/^asked //p' <<<"$socle")" "answers to notifiers"
  equal 8 "$(grep -c '^way .* abort' <<<"$socle")" "ways into others' RAM that abort"
  equal "way dc-civac works" "$(grep '^way .* works' <<<"$socle")" "ways that work: nothing to clean"
  equal "changed 0" "$(grep '^changed' <<<"$socle")" "what was written to"
  equal 1 "$(grep '^compiler' <<<"$socle" | sort -u | wc -l)" "different texts of Socle's"

  # Xen: all RAM but its own, Xen's included, whose answer to a hypercall it changes; 0 whether mapped or not.
  ram=$(pages 40000000 c0000000 'read|single|abort' <<<"$xen")
  ((ram > 250000)) || fail "dom0 had nearly all RAM"
  equal "$ram" "$(pages 40000000 c0000000 read <<<"$xen")" "pages of others' RAM with Xen"
  equal "way fetch abort" "$(grep '^way .* abort' <<<"$xen")" "ways into others' RAM that abort with Xen"
  equal 32 "$(pages 9050000 9070000 'read|single' <<<"$xen")" "pages of the SMMU with Xen"
  equal 8 "$(grep -c '^asked [0-9a-f]* 0 ' <<<"$xen")" "notifiers that Xen answers 0"
  contains "$xen" '^changed [1-9]'
  equal 2 "$(grep '^compiler' <<<"$xen" | sort -u | wc -l)" "different texts of Xen's"
}
