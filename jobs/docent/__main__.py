"""`python -m docent` is the same as the console script `docent`."""

from docent.launcher.cli import main

main()
