# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Completion of bash for ./socle: its commands, their options, and files where files are meant. To use it:
#   source tools/completions/socle.bash
# Words of options are read from each command's --help, so this file knows no list that could grow old.

# _socle_options SOCLE COMMAND: the long options that the command's help names.
_socle_options() {
  "$1" "$2" --help 2>/dev/null | grep -oE -- '(^|[ ,[(|])--[a-z][a-z-]*' | tr -d ' ,[(|' | sort -u
}

# _socle_commands SOCLE: the first words of the indented lines of its help.
_socle_commands() {
  "$1" help 2>/dev/null | sed -nE 's/^  ([a-z]+) .*/\1/p'
}

# _socle_values PREVIOUS WORD: completes the value of the option PREVIOUS; fails if it takes none known.
_socle_values() {
  case $1 in
    --hypervisor)
      mapfile -t COMPREPLY < <(compgen -W 'xen none' -- "$2"; compgen -f -- "$2") ;;
    --machine)
      mapfile -t COMPREPLY < <(compgen -W 'virt xlnx-zcu102 xlnx-versal-virt' -- "$2") ;;
    --uefi-by)
      mapfile -t COMPREPLY < <(compgen -W 'config shell grub' -- "$2") ;;
    --preset)
      mapfile -t COMPREPLY < <(compgen -W 'el2-release el2-debug' -- "$2") ;;
    --kernel | --initrd | --overlay | --uefi-first | --disk | --mmio-disk | --nvme | --tree | --diff | --memory-map)
      mapfile -t COMPREPLY < <(compgen -f -- "$2") ;;
    --cmdline | --append | --hv-append | --xen-append | --dom0-mem | --cpu | --cpus | --memory | --gic | \
      --qemu-arg | --timeout)
      COMPREPLY=() ;;
    *) return 1 ;;
  esac
}

_socle() {
  local socle=$1 word=$2 previous=$3 command=${COMP_WORDS[1]:-}
  COMPREPLY=()
  if [[ $COMP_CWORD -eq 1 ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_socle_commands "$socle")" -- "$word")
  elif _socle_values "$previous" "$word"; then
    return 0
  elif [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_socle_options "$socle" "$command")" -- "$word")
  elif [[ $command == plan || $command == run ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  elif [[ $command == test ]]; then
    mapfile -t COMPREPLY < <(
      compgen -W "$("$socle" test --list 2>/dev/null | awk '{ print $1 }')" -- "$word")
  fi
}

complete -o filenames -F _socle socle ./socle
