"""Run the command `docent` as `python -m docent`."""

from docent.launcher.cli import main

main()
