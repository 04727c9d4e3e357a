"""``python -m tribunate``."""

from tribunate.cli import main

if __name__ == "__main__":
    main()
