"""Numbers that people write in many ways and computers keep in one: telephones, e-mail addresses, identity numbers.

Plain functions of plain texts. Each takes what was typed and returns its one form, or raises ``ValueError`` with a
sentence (a message to translate) that says what is expected.
"""

from __future__ import annotations

import datetime as dt
import re
from contextlib import suppress

from app.kernel.declare import N_, Check

PHONE_EXPECTED = N_("A phone has 11 digits with the code of the town or operator, such as +7 900 000-01-03.")
EMAIL_EXPECTED = N_("An e-mail address looks like name@example.org.")
SNILS_EXPECTED = N_("A SNILS has 11 digits, such as 112-233-445 95.")
SNILS_MISTYPED = N_("The last two digits of the SNILS do not fit the others: there is a slip in the number.")
IIN_EXPECTED = N_("An IIN has 12 digits and begins with the date of birth, such as 990101300013.")
IIN_MISTYPED = N_("The last digit of the IIN does not fit the others: there is a slip in the number.")

_SEPARATORS = re.compile(r"[\s()./\-\u2010-\u2015\u2212]+")
_CALLED = re.compile(r"^(?:тел|моб|дом|раб|сот|т|м)\w*[.:]\s*", re.IGNORECASE)
_EXTENSION = re.compile(r"\s*(?:,?\s*(?:доб|вн|ext)[а-яa-z]*\.?|#)\s*(\d{1,6})$", re.IGNORECASE)
# Codes of Russia begin with 3, 4, 8 and 9, those of Kazakhstan with 7. Without the 8 or +7 before it, a number that
# itself begins with 8, 79 or the like may as well be one with a digit left out.
_WITH_PREFIX = re.compile(r"[34789]\d{9}")
_BARE = re.compile(r"[349]\d{9}|7[012567]\d{8}|747\d{7}")
_EMAIL = re.compile(r"[^\s@,;<>()\"]+@(?:[\w](?:[\w-]*[\w])?\.)+[^\W\d_][\w-]*[\w]")


def _phones(text: str) -> str:
    """One telephone, or several divided by commas or semicolons: a mother's and a grandmother's."""
    # A comma may also lead to an extension: «8 342 000-00-00, доб. 12».
    parts = re.split(r"[;,](?!\s*(?:доб|вн|ext))", text, flags=re.IGNORECASE)
    return ", ".join(_phone(part.strip()) for part in parts if part.strip())


def _phone(text: str) -> str:
    extension = _EXTENSION.search(text)
    body = _CALLED.sub("", text[: extension.start()] if extension else text)
    digits = _SEPARATORS.sub("", body)
    plus, digits = digits.startswith("+"), digits.removeprefix("+")
    if not (digits.isascii() and digits.isdecimal()):
        raise ValueError(PHONE_EXPECTED)
    if plus and not digits.startswith(("0", "7", "89")):  # no country has 89: it is «8 9…» with a plus too many
        if not 8 <= len(digits) <= 15:
            raise ValueError(PHONE_EXPECTED)
        number = " ".join(body.split())
    else:
        prefixed = len(digits) == 11 and digits[0] in "78"
        digits = digits[1:] if prefixed else digits
        if (plus and not prefixed) or not (_WITH_PREFIX if prefixed else _BARE).fullmatch(digits):
            raise ValueError(PHONE_EXPECTED)
        number = f"+7 {digits[:3]} {digits[3:6]}-{digits[6:8]}-{digits[8:]}"
    return f"{number} доб. {extension[1]}" if extension else number


def _email(text: str) -> str:
    text = text.strip()
    if not _EMAIL.fullmatch(text) or len(text) > 200 or ".." in text:
        raise ValueError(EMAIL_EXPECTED)
    name, _at, domain = text.rpartition("@")
    return f"{name}@{domain.lower()}"


def _digits(text: str, count: int, expected: str) -> str:
    digits = _SEPARATORS.sub("", text)
    if len(digits) != count or not (digits.isascii() and digits.isdecimal()) or not int(digits):
        raise ValueError(expected)
    return digits


def _snils(text: str) -> str:
    """The insurance number of Russia. Up to 001-001-998 it was given without its two check digits."""
    digits = _digits(text, 11, SNILS_EXPECTED)
    total = sum(weight * int(digit) for weight, digit in zip(range(9, 0, -1), digits, strict=False))
    if int(digits[:9]) > 1_001_998 and total % 101 % 100 != int(digits[9:]):
        raise ValueError(SNILS_MISTYPED)
    return f"{digits[:3]}-{digits[3:6]}-{digits[6:9]} {digits[9:]}"


def _iin(text: str) -> str:
    """The individual number of Kazakhstan: date of birth, century with sex, number, check digit."""
    digits = _digits(text, 12, IIN_EXPECTED)
    # 0 is a foreigner, of any century; 1 and 2 are of the nineteenth, and so on.
    centuries = {"0": (19, 20), "1": (18,), "2": (18,), "3": (19,), "4": (19,), "5": (20,), "6": (20,)}
    for century in centuries.get(digits[6], ()):
        with suppress(ValueError):
            dt.date(century * 100 + int(digits[:2]), int(digits[2:4]), int(digits[4:6]))
            break
    else:
        raise ValueError(IIN_EXPECTED)
    rest = _remainder(digits, range(1, 12))
    if rest == 10:  # then the weights are moved by two; a number for which that gives 10 again is never given out
        rest = _remainder(digits, (*range(3, 12), 1, 2))
    if rest != int(digits[11]):
        raise ValueError(IIN_MISTYPED)
    return digits


def _remainder(digits: str, weights: range | tuple[int, ...]) -> int:
    return sum(weight * int(digit) for weight, digit in zip(weights, digits, strict=False)) % 11


phone = Check(_phones, keyboard="tel")
email = Check(_email, keyboard="email")
snils = Check(_snils, keyboard="numeric")
iin = Check(_iin, keyboard="numeric")
