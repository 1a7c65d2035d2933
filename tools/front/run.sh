# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# ./socle run: builds what is needed, describes a machine, boots it.

run_help() {
  cat <<HELP
Usage: ./socle run [OPTIONS]               an interactive console of dom0
       ./socle run [OPTIONS] -- CMD...     run CMD in dom0's shell, print its output, power off,
                                           exit with its status

One word after -- is a line for the shell; several are a command and its arguments.

What boots:
  --hypervisor WHAT    an arm64 Image file; 'xen': Debian's Xen, with --acpi one that is built
                       from Debian's source, since Debian's own has no ACPI; 'none': Linux alone
                       (by UEFI: its own EFI stub, from the shell); default: Socle, built from
                       this tree
  --preset PRESET      which build of Socle: el2-release (default) or el2-debug
  --kernel WHAT        a series of Debian's kernels (${KERNELS[*]}; default $DEFAULT_KERNEL), one of its
                       flavours (6.12-16k: pages of 16 KiB, for which --cpu max; -rt; -cloud) or
                       a file
  --initrd FILE        default: busybox with the kernel's drivers. CMD needs that init: another
                       initrd has to look at /socle/command itself
  --append TEXT        more words for dom0's command line (may be repeated)
  --hv-append TEXT     more words for the hypervisor's (may be repeated; also --xen-append)
  --dom0-mem SIZE      dom0_mem for the hypervisor (Xen: default half of memory, at most 1G)

The machine:
  --machine MACHINE    virt (default); xlnx-zcu102: AMD's ZynqMP board, with the tree that
                       Debian's kernel has for it; up to 4 CPUs and 2G, no disk, no network;
                       xlnx-versal-virt: AMD's Versal, with QEMU's tree; 2 CPUs, up to 2G, the same
  --overlay FILE       change the machine's tree: an overlay, source or blob (may be repeated)
  --cpu MODEL          default $OPT_CPU; 'max' has everything
  --cpus N             default $OPT_CPUS
  --memory SIZE        like 512M, 4G, 1T; default $OPT_MEMORY. Large ones are sparse
  --uefi               boot by UEFI: Debian's AAVMF starts Socle, which reads its configuration file
  --uefi-by WAY        who starts Socle there: config (firmware, the default), shell (firmware's
                       shell, by startup.nsh), or grub (Debian's GRUB)
  --uefi-first TEXT    an EFI application and its arguments, which the shell starts before (may be
                       repeated); implies --uefi-by shell
  --acpi               the same, and firmware describes the machine by ACPI's tables, not by a tree
  --gic VERSION        2, or 3 (default)
  --disk FILE          attach FILE by virtio-blk-pci; also --mmio-disk FILE (virtio-blk on
                       virtio-mmio) and --nvme FILE; may be repeated
  --no-network         no network card (default: virtio-net-pci on QEMU's user network)
  --qemu-arg ARG       one more argument for QEMU (may be repeated)

Else:
  --timeout SECONDS    stop after that long
  --print              show the QEMU command line and run nothing
  --yes, -y            install missing packages without asking (implied by CI=true)
  -v                   with CMD: show the boot log (on stderr)

Exit status with CMD: CMD's own; 124 after --timeout; 125 when CMD could not be run or did not
end (set-up, build or boot failed); 2 for wrong use. The whole console of the last CMD is in
build/run/console.log.
HELP
}

run_defaults() {
  OPT_HYPERVISOR=socle OPT_PRESET=el2-release OPT_KERNEL=$DEFAULT_KERNEL OPT_INITRD=
  OPT_APPEND='' OPT_HV_APPEND='' OPT_DOM0_MEM=''
  OPT_CPU=cortex-a57 OPT_CPUS=2 OPT_MEMORY=2G OPT_GIC=3 OPT_MACHINE=virt OPT_UEFI= OPT_ACPI=off
  OPT_DISKS=() OPT_OVERLAYS=() OPT_UEFI_FIRST=() OPT_QEMU_ARGS=() OPT_TIMEOUT=0 OPT_PRINT=no OPT_VERBOSE=no OPT_NETWORK=yes
  COMMAND=() WITH_COMMAND=no STATED_OPTIONS=()
}

# Options with a value: run_option NAME VALUE.
run_option() {
  case $1 in
    --hypervisor) OPT_HYPERVISOR=$2 ;;
    --preset) OPT_PRESET=$2 ;;
    --kernel) OPT_KERNEL=$2 ;;
    --initrd) OPT_INITRD=$2 ;;
    --append) OPT_APPEND=$(join_words "$OPT_APPEND" "$2") ;;
    --hv-append | --xen-append) OPT_HV_APPEND=$(join_words "$OPT_HV_APPEND" "$2") ;;
    --dom0-mem) OPT_DOM0_MEM=$2 ;;
    --cpu) OPT_CPU=$2 ;;
    --cpus) OPT_CPUS=$2 ;;
    --memory) OPT_MEMORY=$2 ;;
    --gic) OPT_GIC=$2 ;;
    --uefi-by) OPT_UEFI=$2 ;;
    --uefi-first) OPT_UEFI=${OPT_UEFI:-shell} OPT_UEFI_FIRST+=("$2") ;;
    --machine) OPT_MACHINE=$2 ;;
    --overlay) OPT_OVERLAYS+=("$2") ;;
    --disk) OPT_DISKS+=("pci:$2") ;;
    --mmio-disk) OPT_DISKS+=("mmio:$2") ;;
    --nvme) OPT_DISKS+=("nvme:$2") ;;
    --qemu-arg) OPT_QEMU_ARGS+=("$2") ;;
    --timeout) OPT_TIMEOUT=$2 ;;
    *) return 1 ;;
  esac
  STATED_OPTIONS+=("$1")
}

run_arguments() {
  while [[ $# -gt 0 ]]; do
    case $1 in
      --help | -h) run_help; exit 0 ;;
      --print) OPT_PRINT=yes ;;
      --no-network) OPT_NETWORK=no ;;
      --uefi) OPT_UEFI=${OPT_UEFI:-config} ;;
      --acpi) OPT_ACPI=on OPT_UEFI=${OPT_UEFI:-config} ;;
      --yes | -y) ASSUME_YES=yes ;;
      -v | --verbose) OPT_VERBOSE=yes ;;
      --) shift; WITH_COMMAND=yes; COMMAND=("$@"); break ;;
      --*=*) run_option "${1%%=*}" "${1#*=}" || misuse "run does not know '${1%%=*}'" run ;;
      --*)
        run_option "$1" "${2:-}" || misuse "run does not know '$1'" run
        [[ $# -ge 2 ]] || misuse "$1 needs a value" run
        shift
        ;;
      *) misuse "run does not know '$1' (a command for dom0 goes after --)" run ;;
    esac
    shift
  done
}

check_arguments() {
  local file
  OPT_MEMORY_BYTES=$(parse_size "$OPT_MEMORY") || misuse "--memory wants a size like 512M or 4G, not '$OPT_MEMORY'" run
  [[ -z $OPT_DOM0_MEM ]] || parse_size "$OPT_DOM0_MEM" >/dev/null ||
    misuse "--dom0-mem wants a size like 512M or 4G, not '$OPT_DOM0_MEM'" run
  if is_board "$OPT_MACHINE"; then
    check_board_arguments
  elif [[ $OPT_MACHINE != virt ]]; then
    misuse "--machine is virt or ${BOARDS[*]}, not '$OPT_MACHINE'" run
  fi
  check_uefi_arguments
  [[ $OPT_CPUS =~ ^[1-9][0-9]*$ ]] || misuse "--cpus wants a number, not '$OPT_CPUS'" run
  [[ $OPT_TIMEOUT =~ ^[0-9]+$ ]] || misuse "--timeout wants seconds, not '$OPT_TIMEOUT'" run
  OPT_TIMEOUT=$((10#$OPT_TIMEOUT)) # 08 is no octal number
  [[ $OPT_PRESET == el2-release || $OPT_PRESET == el2-debug ]] ||
    misuse "--preset is el2-release or el2-debug, not '$OPT_PRESET'" run
  [[ $WITH_COMMAND == no || ${#COMMAND[@]} -gt 0 ]] || misuse "there is no command after --" run
  for file in "${OPT_DISKS[@]}"; do
    [[ -f ${file#*:} || -b ${file#*:} ]] || misuse "there is no file '${file#*:}'" run
  done
  for file in "${OPT_OVERLAYS[@]}"; do
    [[ -f $file ]] || misuse "there is no overlay '$file'" run
  done
  if ! known_kernel "$OPT_KERNEL"; then
    [[ -f $OPT_KERNEL ]] || misuse "--kernel wants a series like $DEFAULT_KERNEL or a file, not '$OPT_KERNEL'" run
  fi
  [[ -z $OPT_INITRD || -f $OPT_INITRD ]] || misuse "there is no initrd '$OPT_INITRD'" run
  case $OPT_HYPERVISOR in
    socle | xen | none) ;;
    *) [[ -f $OPT_HYPERVISOR ]] || misuse "--hypervisor wants a file, 'xen' or 'none', not '$OPT_HYPERVISOR'" run ;;
  esac
}

# --- making it all ready ------------------------------------------------------------------------

# build_preset PRESET [TARGET...]: configures once, builds what changed; one builder at a time.
build_preset() { with_lock "$BUILD/$1.lock" build_preset_now "$@"; }

build_preset_now() {
  local preset=$1
  shift
  if [[ ! -f $BUILD/$preset/build.ninja ]]; then
    say "configuring $preset"
    (cd "$SOCLE_ROOT" && cmake --preset "$preset") >"$BUILD/$preset.log" 2>&1 ||
      { cat "$BUILD/$preset.log" >&2; die "cmake could not configure $preset"; }
  fi
  if [[ -f $BUILD/$preset/.ninja_log ]]; then
    build_now "$preset" "$@" 2>&1 | sed -u -e '/^ninja: no work to do/d' -e '/Re-checking globbed/d' >&2
  else
    build_now "$preset" "$@" >&2 # on a terminal, ninja shows its progress in one line
  fi || die "the build of $preset failed"
}

build_now() (
  preset=$1
  shift
  cd "$SOCLE_ROOT" && NINJA_STATUS='[%f/%t] ' cmake --build --preset "$preset" ${1:+--target "$@"}
)

setup_for_run() {
  setup_qemu
  if known_kernel "$OPT_KERNEL"; then
    setup_initrd "$OPT_KERNEL"
  elif [[ -z $OPT_INITRD ]]; then
    setup_initrd "$DEFAULT_KERNEL"
  fi
  case $OPT_HYPERVISOR in
    xen) if [[ $OPT_ACPI == on ]]; then setup_xen_acpi; else setup_xen; fi ;;
    socle) setup_arm64 ;;
  esac
  if [[ $OPT_UEFI == grub ]]; then setup_grub; fi
}

# Sets HYPERVISOR, KERNEL, INITRD and the command lines.
choose_payload() {
  local half=$((OPT_MEMORY_BYTES / 2 / MIB)) panic=
  if known_kernel "$OPT_KERNEL"; then
    KERNEL=$DEPS/kernel-$OPT_KERNEL/vmlinuz
    INITRD=${OPT_INITRD:-$DEPS/initrd-$OPT_KERNEL.cpio}
  else
    KERNEL=$OPT_KERNEL
    INITRD=${OPT_INITRD:-$DEPS/initrd-$DEFAULT_KERNEL.cpio}
  fi
  if [[ $WITH_COMMAND == yes ]]; then panic='panic=-1'; fi # with -no-reboot: a panic ends QEMU
  DOM0_LINE=$(join_words 'console=hvc0 earlycon=xenboot' "$panic")
  HYPERVISOR_LINE='console=dtuart'
  case $OPT_HYPERVISOR in
    none) DOM0_LINE=$(join_words 'console=ttyAMA0 earlycon' "$panic") ;;
    xen)
      HYPERVISOR=$DEPS/xen/xen
      if [[ $OPT_ACPI == on ]]; then HYPERVISOR=$DEPS/xen-acpi/xen; fi
      OPT_DOM0_MEM=${OPT_DOM0_MEM:-$((half < 1024 ? half : 1024))M}
      ;;
    socle)
      build_preset "$OPT_PRESET"
      HYPERVISOR=$BUILD/$OPT_PRESET/socle.bin
      ;;
    *) HYPERVISOR=$OPT_HYPERVISOR ;;
  esac
  HYPERVISOR_LINE=$(join_words "$HYPERVISOR_LINE" "${OPT_DOM0_MEM:+dom0_mem=$OPT_DOM0_MEM}")
}

# A directory of this run's own; --print names files in it, so that one stays.
make_work() {
  WORK=$BUILD/run/$$
  if [[ $OPT_PRINT == yes ]]; then WORK=$BUILD/run/print; fi
  rm -rf "$WORK"
  mkdir -p "$WORK"
}

# The one way out: no QEMU is left, and errors before CMD ran do not look like CMD's status.
leave_run() {
  local status=$1
  stop_qemu
  if [[ $OPT_PRINT == no && -n ${WORK:-} ]]; then rm -rf "$WORK"; fi
  if [[ $WITH_COMMAND == yes && -z ${COMMAND_STATUS:-} && $status -ne 0 && $status -ne 2 && $status -ne 124 ]]; then
    status=125
  fi
  exit "$status"
}

run_main() {
  local console
  run_defaults
  run_arguments "$@"
  check_arguments
  if [[ ${CI:-} == true ]]; then ASSUME_YES=yes; fi
  trap 'leave_run $?' EXIT
  trap 'exit 130' INT TERM
  need_packages "./socle run --yes" "${RUN_PACKAGES[@]}"
  if [[ -n $OPT_UEFI ]]; then need_packages "./socle run --yes --uefi" "${UEFI_PACKAGES[@]}"; fi
  if [[ $OPT_HYPERVISOR == xen && $OPT_ACPI == on ]] && ! is_complete "$DEPS/xen-acpi"; then
    need_packages "./socle run --yes --acpi --hypervisor xen" "${XEN_BUILD_PACKAGES[@]}"
  fi
  with_lock "$CACHE/lock" setup_for_run
  make_work
  choose_payload
  describe_machine
  MARK=$(od -A n -t x8 -N 8 /dev/urandom | tr -d ' ')
  append_session "$INITRD" "$WORK/initrd.cpio" "${COMMAND[@]}"
  INITRD=$WORK/initrd.cpio
  describe_payload
  console=(-nographic -serial mon:stdio)
  if [[ $WITH_COMMAND == yes ]]; then console=(-display none -monitor none -serial stdio -no-reboot); fi
  boot "$QEMU" "${MACHINE[@]}" "${console[@]}" "${PAYLOAD[@]}"
}

boot() {
  if [[ $OPT_PRINT == yes ]]; then
    print_command "$@"
  elif [[ $WITH_COMMAND == yes ]]; then
    command_session "$@"
    exit "$COMMAND_STATUS"
  else
    interactive "$@"
  fi
}
