"""`python -m hirehall` is the command line."""

from hirehall.cli.main import main

if __name__ == "__main__":
    main()
