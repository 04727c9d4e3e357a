"""``python -m tribunate``."""

import os
import signal

if __name__ == "__main__":
    # Ctrl-C while modules are still being loaded: leave at once, as later, without a traceback
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    from tribunate.cli import main

    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
