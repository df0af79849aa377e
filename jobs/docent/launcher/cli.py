"""Define the command `docent`: its verbs by section, and how errors end it.

The verbs are in `launcher/verbs/`. A verb's module is imported when the verb is called, so that `docent --help` is
fast.
"""

import importlib
import os
import sys

import click

SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Run": {
        "run": ("run:run", "Run every unit that is not complete."),
        "plan": ("preview:plan", "Show what a run would do, unit by unit, and why."),
        "estimate": ("estimate:estimate", "Show memory and steps of training, and requests to the teacher."),
    },
    "Inspect": {
        "status": ("look:status", "Show the state of a run."),
        "logs": ("look:logs", "Print the log of a unit."),
        "trace": ("look:trace", "Trace a row back to the lines of its source file."),
        "open": ("look:open_report", "Open the report in a browser."),
    },
    "Data": {
        "ingest": ("documents:ingest", "Read documents and show their sections."),
        "preview": ("documents:preview", "Show sections, prompts and pairs for one document."),
        "review": ("review:review", "Write a run's pairs for people to review, or store their decisions."),
        "convert": ("convert:convert", "Convert data sets from one format to another."),
        "validate": ("convert:validate", "Check the pictures and the format of a data set."),
    },
    "Cluster": {
        "render": ("preview:render", "Print the Kubernetes objects of a run."),
        "diff": ("preview:diff", "Show what a run would change on the cluster."),
        "retry": ("cluster.operate:retry", "Launch a failed or cancelled run again."),
        "cancel": ("cluster.operate:cancel", "Stop a run on the cluster."),
        "wait": ("cluster.operate:wait", "Wait until a run on the cluster ends."),
        "push": ("cluster.operate:push", "Copy a file or folder to the volume of a run."),
        "pull": ("cluster.operate:pull", "Copy a file or folder from the volume of a run."),
    },
    "Tools": {
        "doctor": ("upkeep:doctor", "List what is missing on this machine for a run."),
        "gc": ("upkeep:gc", "Delete unneeded files of a run."),
        "stage": ("stage:stage", "Run one shard of one unit, as containers do."),
    },
}
"""Every verb: its module and function below `verbs/`, and its line in `docent --help`."""
HIDDEN = {name: f"cluster.pod:{name}" for name in ("conduct", "hold", "unpack", "pack")}
"""Verbs that run only inside pods."""


class Verbs(click.Group):
    """Group of the verbs by section; each is imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all verbs that `--help` shows."""
        return [name for verbs in SECTIONS.values() for name in verbs]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb and return it, or None if there is no such verb."""
        paths = HIDDEN | {verb: path for verbs in SECTIONS.values() for verb, (path, _) in verbs.items()}
        if cmd_name in paths and cmd_name not in self.commands:
            module, _, function = paths[cmd_name].partition(":")
            verb = getattr(importlib.import_module(f"docent.launcher.verbs.{module}"), function)
            if cmd_name != "stage":  # it has its own exit codes, and must handle SIGTERM before any long import
                verb = importlib.import_module("docent.launcher.verbs.invocation").naming_the_run(verb)
            self.add_command(verb)
        return self.commands.get(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs under the names of their sections."""
        for title, verbs in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, help_text) for name, (_, help_text) in verbs.items()])


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="docent")
def docent() -> None:
    """Turn photos and texts about exhibits into a fine-tuned vision-language model, with a report on its quality."""


def main() -> None:
    """Run the command line; print an error that a user can fix as one message and exit with its code."""
    from docent.errors import ConfigError, InputError, PipelineError, TemporaryError
    from docent.launcher.encoding import run_in_utf8
    from docent.launcher.verbs.output.tables import say_error
    from docent.messages.printing import printable

    run_in_utf8()
    try:
        docent(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("cancelled", err=True)
        sys.exit(103)
    except PipelineError as error:
        say_error(str(error))
        codes: dict[type[PipelineError], int] = {ConfigError: 3, InputError: 100, TemporaryError: 105}
        sys.exit(next((code for kind, code in codes.items() if isinstance(error, kind)), error.exit_code))
    except BrokenPipeError:  # `docent status | head`: the reader closed the pipe early, which is not an error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except OSError as error:
        where = f"\n  where: {printable(str(error.filename))}" if error.filename else ""
        say_error(f"{error.strerror or error}{where}\n  next:  docent doctor")
        sys.exit(105)
