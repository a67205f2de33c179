"""The options of a directive: each declared once, with its validator and its help."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from docutils.parsers.rst import directives

from ..errors import UnknownNameError
from ..record import IMPORTED, NAME

__all__ = [
    "Option", "Options", "TableOptions", "at_least_one", "choice", "class_names", "flag", "known",
    "names",
]  # fmt: skip


class Option(NamedTuple):
    """How an option is read, and what it is for."""

    read: Callable[[str], Any]
    help: str


class Options(dict[str, Callable[[str], Any]]):
    """What docutils calls an option_spec; takes any option, so that ours refuse it in our words.

    Args:
        options: By their names; ``no_index`` is spelt ``no-index`` in a page.
    """

    def __init__(self, **options: Option) -> None:
        declared = {name.replace("_", "-"): option for name, option in options.items()}
        declared["class"] = Option(directives.class_option, "CSS classes of what is shown")
        super().__init__({name: option.read for name, option in declared.items()})
        self.help = {name: option.help for name, option in declared.items()}

    def __missing__(self, name: str) -> Callable[[str], Any]:
        return directives.unchanged

    def __bool__(self) -> bool:
        return True


class TableOptions(Options):
    """The options of a directive that shows a table.

    Args:
        options: Beside those that every table takes.
    """

    common = {
        "caption": Option(directives.unchanged_required, "a caption; it may hold roles"),
        "name": Option(directives.unchanged_required, "a label that links to the table can name"),
    }

    def __init__(self, **options: Option) -> None:
        super().__init__(**options, **self.common)


flag = directives.flag


def at_least_one(text: str) -> int:
    """Read a count of 1 or more."""
    number = directives.positive_int(text)
    return int(number)


def names(text: str) -> list[str]:
    """Read names, separated by spaces.

    Raises:
        ValueError: There are none, or one is not a name.
    """
    found = (text or "").split()
    wrong = [name for name in found if not NAME.fullmatch(name)]
    if not found or wrong:
        raise ValueError(f"Expected names of letters, digits, '-' and '_', but got {text!r}.")
    return found


def class_names(text: str) -> list[str]:
    """Read names of machine classes, as tables head their columns.

    Raises:
        ValueError: There are none, or one is not a name.

    Examples:
        >>> class_names("laptop ci ci (imported)")
        ['laptop', 'ci', 'ci (imported)']
    """
    found: list[str] = []
    for word in (text or "").split():
        if word == IMPORTED.strip() and found and NAME.fullmatch(found[-1]):
            found[-1] += IMPORTED
        else:
            found.append(word)
    names(" ".join(name.removesuffix(IMPORTED) for name in found))
    return found


def known(kind: str, wanted: Collection[str], there: Collection[str]) -> None:
    """Raise an :class:`~sphinx_ptyreg.errors.UnknownNameError` for what is `wanted` in vain."""
    for name in wanted:
        if name not in there:
            raise UnknownNameError(kind, name, there)


def choice(*words: str) -> Callable[[str], str]:
    """Return a reader of one of `words`."""

    def read(text: str) -> str:
        return directives.choice(text, words)

    return read
