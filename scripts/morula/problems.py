"""Mistakes of the user's input, collected so that one message tells all of a kind."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from morula.errors import InputError

MOST_SHOWN = 20


class Problems:
    """Messages of mistakes found; `refuse` raises them as one InputError."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def add(self, message: str) -> None:
        """Note a mistake; the same one is told once."""
        if message not in self.messages:
            self.messages.append(message)

    def refuse(self) -> None:
        """Raise InputError when there are mistakes."""
        if not self.messages:
            return
        if len(self.messages) == 1:
            raise InputError(self.messages[0])
        shown = [f"  {message}" for message in self.messages[:MOST_SHOWN]]
        hidden = len(self.messages) - len(shown)
        if hidden:
            shown.append(f"  and {hidden} more")
        raise InputError("\n".join([f"{len(self.messages)} mistakes:", *shown]))


def suggestion(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` when one of `known` is near, else nothing."""
    names = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    return f"; did you mean {names[near[0]]!r}?" if near else ""
