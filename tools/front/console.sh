# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Talking to the machine that QEMU runs: the interactive console, and the session of
# `./socle run -- CMD`, whose output comes back between marks on the serial line.

# quote_word TEXT: TEXT as one word of a POSIX shell.
quote_word() { printf "'%s'" "${1//\'/\'\\\'\'}"; }

# command_text WORD...: one word is a line for the shell; several are a command and its arguments.
command_text() {
  local word
  if [[ $# -eq 1 ]]; then
    printf '%s\n' "$1"
    return
  fi
  for word in "$@"; do printf '%s ' "$(quote_word "$word")"; done
  printf '\n'
}

# append_session INITRD TO [WORD...]: the initrd with a second, tiny archive behind it that tells init
# what to do (see tools/initrd/init). Archives in an initrd start at multiples of four bytes.
append_session() {
  local initrd=$1 to=$2 root="$WORK/session" size
  shift 2
  size=$(stty size 2>/dev/null) || size=
  mkdir -p "$root/socle"
  {
    printf 'SOCLE_MARK=%s\n' "$MARK"
    if [[ $# -eq 0 && -t 0 ]]; then
      printf 'SOCLE_TERM=%s\n' "$(quote_word "${TERM:-vt100}")"
      [[ ! $size =~ ^[1-9][0-9]*\ [1-9] ]] || printf 'SOCLE_SIZE=%s\n' "$(quote_word "$size")"
    fi
  } >"$root/socle/environment"
  if [[ $# -gt 0 ]]; then command_text "$@" >"$root/socle/command"; fi
  cp -- "$initrd" "$to"
  truncate -s %512 "$to"
  pack_cpio "$root" >>"$to"
}

# --- interactive --------------------------------------------------------------------------------

interactive() {
  local status=0 limit=()
  [[ $OPT_TIMEOUT -eq 0 ]] || limit=(timeout --foreground "$OPT_TIMEOUT")
  if [[ -t 0 ]]; then
    say "console: Ctrl-A x ends QEMU, Ctrl-A c is its monitor, Ctrl-A Ctrl-A sends a Ctrl-A"
  fi
  "${limit[@]}" "$@" || status=$?
  return "$status"
}

# --- a command ----------------------------------------------------------------------------------

# stop_qemu: ends the QEMU of this session, if it still runs.
stop_qemu() {
  [[ -n ${QEMU_PID:-} ]] || return 0
  kill "$QEMU_PID" 2>/dev/null || true
  QEMU_PID=
}

# next_line: the next line of the console in LINE, without its newline; fails at the end of the
# console, sets TIMED_OUT when --timeout is over. ENDED_BY is the newline, or nothing at the end.
next_line() {
  local wait=() status=0
  if [[ $DEADLINE -gt 0 ]]; then
    if [[ $SECONDS -ge $DEADLINE ]]; then TIMED_OUT=yes; return 1; fi
    wait=(-t $((DEADLINE - SECONDS)))
  fi
  LINE=
  ENDED_BY=$'\n'
  IFS= read -r "${wait[@]}" -u "$CONSOLE" LINE || status=$?
  [[ $status -eq 0 ]] || ENDED_BY=
  printf '%s%s' "$LINE" "$ENDED_BY" >&"$LOG"
  if [[ $status -gt 128 ]]; then TIMED_OUT=yes; return 1; fi
  [[ $status -eq 0 || -n $LINE ]]
}

# failed_boot WHY: says why there is no status, shows the console's last lines, and ends with 125.
failed_boot() {
  printf -- '--- the last lines of the console (all of it: %s)\n' "$LOG_FILE" >&2
  tail -n "${SOCLE_LOG_LINES:-30}" "/dev/fd/$LOG" | tr -d '\r' | sed 's/^/  /' >&2
  if [[ -s $WORK/qemu.log ]]; then sed 's/^/  qemu: /' "$WORK/qemu.log" >&2; fi
  printf 'socle: error: %s\n' "$1" >&2
}

# command_session QEMU_COMMAND...: boots, prints what the command prints, sets COMMAND_STATUS.
command_session() {
  local begun=no carriage=no begin="socle-$MARK-begin" end="socle-$MARK-status "
  LOG_FILE=${SOCLE_CONSOLE_LOG:-$BUILD/run/console.log}
  if [[ -f $LOG_FILE ]]; then rm -f -- "$LOG_FILE"; fi # another run at the same time goes on writing its own
  exec {LOG}>"$LOG_FILE"
  DEADLINE=0 TIMED_OUT=no COMMAND_STATUS=
  [[ $OPT_TIMEOUT -eq 0 ]] || DEADLINE=$((SECONDS + OPT_TIMEOUT))
  exec {CONSOLE}< <(exec "$@" </dev/null 2>"$WORK/qemu.log")
  QEMU_PID=$!
  while next_line; do
    if [[ $begun == no ]]; then
      if [[ $LINE == "$begin"* ]]; then
        begun=yes
        [[ $LINE != *$'\r' ]] || carriage=yes # the hypervisor's console adds it; take it off again
      elif [[ $OPT_VERBOSE == yes ]]; then
        printf '%s\n' "${LINE%$'\r'}" >&2
      fi
      if [[ $LINE =~ ^\(SOCLE\).*cannot\ go\ on ]]; then break; fi # it halts, with its reason shown
      continue
    fi
    if [[ $carriage == yes ]]; then LINE=${LINE%$'\r'}; fi
    if [[ $LINE == *"$end"* ]]; then
      printf '%s' "${LINE%%"$end"*}"
      COMMAND_STATUS=${LINE##*"$end"}
      COMMAND_STATUS=${COMMAND_STATUS%$'\r'}
      break
    fi
    printf '%s%s' "$LINE" "$ENDED_BY"
  done
  finish_session "$begun"
}

# finish_session BEGUN: lets the machine power off, or says what went wrong.
finish_session() {
  if [[ -n $COMMAND_STATUS ]]; then
    DEADLINE=$((SECONDS + 15))
    while next_line; do :; done
    if [[ $TIMED_OUT == yes ]]; then warn "the machine did not power off; stopped it"; fi
    stop_qemu
    return 0
  fi
  stop_qemu
  if [[ $LINE =~ ^\(SOCLE\).*cannot\ go\ on ]]; then
    failed_boot "the hypervisor gave up (the lines above say why)"
  elif [[ $TIMED_OUT == yes && $1 == yes ]]; then
    failed_boot "the command did not end within $OPT_TIMEOUT seconds (--timeout)"
    exit 124
  elif [[ $TIMED_OUT == yes ]]; then
    failed_boot "no shell within $OPT_TIMEOUT seconds (--timeout)"
    exit 124
  elif [[ $1 == yes ]]; then
    failed_boot "the machine ended before the command did"
  else
    failed_boot "the machine ended before it reached a shell"
  fi
  exit 125
}
