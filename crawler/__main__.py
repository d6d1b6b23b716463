"""`python -m crawler` is the command `wiretrace`."""

from crawler.cli import main

if __name__ == "__main__":
    main()
