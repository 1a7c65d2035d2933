# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The interactive console, driven through a terminal.

test_typed_input_reaches_the_shell() {
  talk <<'DIALOGUE'
expect poweroff ends it
expect # 
send echo $((6 * 7)) from $(tty)
expect ^42 from /dev/(hvc0|ttyAMA0)
send poweroff
end 0
DIALOGUE
}

test_control_c_ends_a_command_and_not_the_shell() {
  talk <<'DIALOGUE'
expect poweroff ends it
expect # 
send sh -c 'echo begun; sleep 1000'
expect ^begun
pause 1
key ^C
expect # 
send echo still $((40 + 2))
expect ^still 42
send poweroff
end 0
DIALOGUE
}

test_a_long_line_arrives_whole() {
  talk <<DIALOGUE
expect poweroff ends it
expect # 
send echo $(printf '%.0sx' {1..500}) | wc -c
expect ^501
send poweroff
end 0
DIALOGUE
}

test_reboot_starts_the_machine_again() {
  talk <<'DIALOGUE'
expect poweroff ends it
expect # 
send reboot
expect poweroff ends it
expect # 
send poweroff
end 0
DIALOGUE
}

# QEMU's own escape is Ctrl-A, too: it takes two for one that arrives.
test_three_times_control_a_gives_the_keyboard_to_socle_and_back() {
  talk <<'DIALOGUE'
expect poweroff ends it
expect # 
key ^A
key ^A
key ^A
key ^A
key ^A
key ^A
expect keyboard goes to Socle
key h
expect keys of Socle
key ^A
key ^A
key ^A
key ^A
key ^A
key ^A
expect keyboard goes to the hardware domain
send poweroff
end 0
DIALOGUE
}
