"""Runs a program on a terminal of its own. The only argument is JSON: the program's arguments and steps, each a text
to wait for and keys to press then (or SIGHUP, a signal to send). Prints as JSON what the terminal showed, whether it echoed at each step and
at the end, and how the program ended (minus a signal's number)."""

import json
import os
import pty
import select
import signal
import sys
import termios
import time

spec = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    # The test runner's loaders are not the user's, and it gives them to every child.
    os.environ.pop("NODE_OPTIONS", None)
    # A shell lets what it runs in the background ignore Ctrl-C; a user's terminal does not.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execvp(spec["args"][0], spec["args"])

shown = b""
deadline = time.time() + 50


def read_until(text):
    global shown
    while time.time() < deadline:
        if text is not None and text in shown:
            return True
        ready, _, _ = select.select([terminal], [], [], 0.1)
        if not ready:
            continue
        try:
            data = os.read(terminal, 4096)
        except OSError:
            return False
        if not data:
            return False
        shown += data
    return False


def echoes():
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


echo = []
for text, keys in spec["steps"]:
    if not read_until(text.encode()):
        break
    echo.append(echoes())
    if keys == "SIGHUP":
        os.kill(pid, signal.SIGHUP)
    else:
        os.write(terminal, keys.encode())
read_until(None)
echo.append(echoes())
_, status = os.waitpid(pid, 0)
print(json.dumps({"shown": shown.decode("utf-8", "replace"), "echo": echo, "status": os.waitstatus_to_exitcode(status)}))
