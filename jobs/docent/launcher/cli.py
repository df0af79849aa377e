"""The command `docent`: the list of its verbs, and how it ends.

The verbs are in `launcher/verbs/`. Nothing heavy is imported before a verb needs it, so that `docent --help` answers
at once.
"""

from __future__ import annotations

import os
import sys

import click

from docent.launcher.verbs import (
    convert,
    documents,
    estimate,
    invocation,
    look,
    preview,
    review,
    run,
    stage,
    upkeep,
    validate,
)
from docent.launcher.verbs.cluster import operate, pod, transfer


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="docent")
def docent() -> None:
    """Raw exhibits in, a vision-language model that knows them out, with proof."""


VERBS = (
    run.run,
    preview.plan,
    preview.render,
    preview.diff,
    estimate.estimate,
    documents.ingest,
    documents.preview,
    review.review,
    look.status,
    look.logs,
    look.trace,
    look.open_report,
    operate.retry,
    operate.cancel,
    operate.wait,
    transfer.push,
    transfer.pull,
    upkeep.gc,
    upkeep.doctor,
    convert.convert,
    validate.validate,
    stage.stage,
    pod.conduct,
    pod.hold,
    pod.unpack,
    pod.pack,
)
for _verb in VERBS:
    docent.add_command(invocation.naming_the_run(_verb))


def main() -> None:
    """Entry point of the console script: user-fixable errors are one message and an exit code."""
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
    except BrokenPipeError:  # `docent status | head`: whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except OSError as error:
        where = f"\n  where: {printable(str(error.filename))}" if error.filename else ""
        say_error(f"{error.strerror or error}{where}\n  next:  docent doctor")
        sys.exit(105)
