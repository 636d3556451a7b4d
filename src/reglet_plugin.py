"""The script `reglet-plugin`: its first instructions, outside of the package, whose import takes a while."""

import gc
import signal
import sys


def main() -> int:
    """Run a command and return its exit status. Ctrl-C ends it in one line, also while it is imported."""
    gc.set_threshold(100_000)  # what is imported stays: to look through it for garbage finds none
    if sys.platform != "win32":  # a parent that ignores it hands that down, and exit codes would be lost
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        from reglet.cli import main as run_command

        return run_command()
    except KeyboardInterrupt:
        sys.stderr.write("reglet-plugin: interrupted\n")
        return 130
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # an interpreter that ends has nothing to say of it
        gc.freeze()  # nor does it look for garbage, which takes as long as a check: all memory goes back


if __name__ == "__main__":
    sys.exit(main())
