"""The command line: `python -m farzi_core COMMAND`. For people by default, one JSON document with `--json`.

Exit status: 0 the work is done, 1 it failed, 2 the command was used wrongly; then one line on stderr says what to do.
torch is imported by `gradcheck` and `doctor` only: runs compute in their own process, the same worker as the app's.
"""

import sys
from collections.abc import Sequence

import typer
from typer.main import get_command

from farzi_core.commands import datasets, machine, runs, study, work
from farzi_core.commands.show import UsageError, say
from farzi_core.errors import ConfigError, FarziError

app = typer.Typer(
    name="farzi_core",
    help="Farzi Studio without a browser: distil event sequences, look at runs, check this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
work.register(app)
study.register(app)
machine.register(app)
app.add_typer(datasets.app, name="datasets")
app.add_typer(runs.app, name="runs")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status and never raises for what a user can cause."""
    try:
        status = get_command(app).main(
            args=None if arguments is None else list(arguments), prog_name="python -m farzi_core", standalone_mode=False
        )
    except typer.TyperException as error:
        return _usage(error)
    except FarziError as error:
        say(str(error))
        return 2 if isinstance(error, ConfigError | UsageError) else 1
    except (KeyboardInterrupt, typer.Abort):
        say("Interrupted")
        return 1
    except BrokenPipeError:  # the reader of our output went away, for example `head`
        sys.stderr.close()
        return 1
    return status if isinstance(status, int) else 0


def _usage(error: typer.TyperException) -> int:
    """One line for a wrong command line; the help, asked for by giving no command, as it is."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "python -m farzi_core"
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    if type(error).__name__ == "NoArgsIsHelpError":
        say(message, prefix="")
    else:
        say(f"{' '.join(message.split())} See `{command} --help`")
    return 2
