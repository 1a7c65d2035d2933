#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds a dialogue with a program on a terminal of its own.

usage: talk.py [--timeout SECONDS] -- COMMAND... < DIALOGUE

DIALOGUE, one step per line, empty lines and #-lines ignored:
    expect REGEX   waits until REGEX appears in what came since the last match
    send TEXT      types TEXT and Enter
    key X          types one character: ^C, ^A, or a letter
    pause SECONDS  lets the program get on
    end STATUS     waits for the program to end with STATUS

What the program printed goes to stdout. Exit status 0 only if every step was done in time.
"""
import argparse
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time


class Terminal:
    def __init__(self, command, deadline):
        self.deadline = deadline
        self.unread = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp(command[0], command)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

    def read(self):
        """Takes in what the program prints; False when it closed its terminal."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if not select.select([self.fd], [], [], min(left, 1.0))[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # Linux says EIO when the other side has gone
            return False
        text = data.decode("utf-8", "replace")
        sys.stdout.write(text)
        self.unread += text
        return bool(data)

    def expect(self, pattern):
        while True:
            found = re.search(pattern, self.unread, re.MULTILINE)
            if found:
                self.unread = self.unread[found.end():]
                return
            if not self.read():
                raise EOFError

    def write(self, text):
        os.write(self.fd, text.encode())

    def end(self, wanted):
        while self.read():
            pass
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if status != wanted:
            raise ValueError(f"ended with {status}, not {wanted}")


def step(terminal, verb, argument):
    if verb == "expect":
        terminal.expect(argument)
    elif verb == "send":
        terminal.write(argument + "\r")
    elif verb == "key":
        terminal.write(chr(ord(argument[1]) & 0x1f) if argument[0] == "^" else argument)
    elif verb == "pause":
        time.sleep(float(argument))
    elif verb == "end":
        terminal.end(int(argument))
    else:
        raise ValueError(f"unknown step '{verb}'")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--timeout", type=float, default=120)
    arguments.add_argument("command", nargs="+")
    options = arguments.parse_args()
    dialogue = [line.strip() for line in sys.stdin]
    terminal = Terminal(options.command, time.monotonic() + options.timeout)
    for line in dialogue:
        if not line or line.startswith("#"):
            continue
        verb, _, argument = line.partition(" ")
        try:
            step(terminal, verb, argument)
        except (TimeoutError, EOFError, ValueError) as error:
            print(f"\ntalk: step '{line}' failed: {type(error).__name__} {error}")
            os.close(terminal.fd)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
