"""`python -m postbus_cli`"""

from postbus_cli.app import main

if __name__ == "__main__":
    main()
