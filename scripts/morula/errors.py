"""The one exception that stands for a mistake in what the user gave."""


class InputError(Exception):
    """Wrong input: the message names the file, the line, what was found, what was
    expected and what to do. Scripts print it without a traceback and exit with 2."""
