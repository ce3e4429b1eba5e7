"""Messages of the libraries that a person may meet. They are marked here, because their source is not ours.

Whatever our own fields and error pages say in their stead (a wrong choice, a stale form) is not repeated.
"""

from __future__ import annotations


def NN_(one: str, many: str) -> tuple[str, str]:
    """Mark a message with a plural for translation; it is translated where it is shown."""
    return one, many


# WTForms, of a text longer than its field
TOO_LONG = NN_("Field cannot be longer than %(max)d character.", "Field cannot be longer than %(max)d characters.")
