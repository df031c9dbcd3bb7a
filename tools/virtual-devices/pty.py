"""A serial line: a pseudo-terminal at the path given, whose other end is this program's standard input and output. Unplugged when the input ends."""

import os
import select
import signal
import sys
import tty

# Ctrl+C in a terminal is told to everybody there. Who started this ends it by closing its input.
signal.signal(signal.SIGINT, signal.SIG_IGN)

path = sys.argv[1]
master, slave = os.openpty()
tty.setraw(slave)
os.symlink(os.ttyname(slave), path)
os.write(1, b"\n")
while True:
    ready, _, _ = select.select([0, master], [], [])
    if master in ready:
        os.write(1, os.read(master, 4096))
    if 0 in ready:
        data = os.read(0, 4096)
        if not data:
            break
        os.write(master, data)
os.unlink(path)
