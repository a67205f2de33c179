"""What ``python -m ptycho_torch`` says: which commands there are."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ptycho_torch.checks import UsageError, expected, one_of
from ptycho_torch.commands import run_command, say

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "simulate": "simulate a scan; the object goes to a file of its own",
    "validate": "say whether a file is a scan, and what is wrong with it",
    "convert": "write a scan of another format as NPZ",
    "train": "train a network on a scan with a known probe",
    "inference": "reconstruct an object with a network, by iterating, or both",
    "bundle": "say with what data, settings and versions a bundle was made",
    "env_report": "say what is installed here, and where it would compute",
}


def listing() -> str:
    """Write one line for each command."""
    lines = [f"  python -m ptycho_torch.{name:<11} {what}" for name, what in COMMANDS.items()]
    return "\n".join([*lines, "", "Each of them tells its flags with --help."])


def main(argv: Sequence[str] | None = None) -> int:
    """List the commands; that is all that there is to ask for here."""
    given = list(sys.argv[1:] if argv is None else argv)
    if given and given[0] in {"-h", "--help"}:
        print(listing())
        return 0

    def command() -> None:
        name = "the command" if given else "a command"
        remedy = "Run one of those above."
        if not given:
            raise UsageError(expected(name, "be named", "none", remedy))
        chosen = one_of(name, list(COMMANDS))(given[0])
        to = f"be run as python -m ptycho_torch.{chosen}"
        raise UsageError(expected(name, to, f"python -m ptycho_torch {chosen}", "Put a dot there."))

    if not given:
        say(listing())
    return run_command(command)


if __name__ == "__main__":
    sys.exit(main())
