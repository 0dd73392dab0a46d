"""The `hirehall` program, also as `python -m hirehall`."""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # While the modules below are imported nothing has begun: a Ctrl-C ends the process without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from hirehall.cli.main import main

if __name__ == "__main__":
    main()
