"""Numbers that people write in many ways: what is taken, in which one form it is kept, and what is refused."""

from __future__ import annotations

import pytest

from app.kernel import numbers
from app.kernel.declare import Check

RIGHT = """
phone | +7 900 000-01-03                  | +7 900 000-01-03
phone | 8(900)000-01-03                   | +7 900 000-01-03
phone | 89000000103                       | +7 900 000-01-03
phone | +8 900 000-01-03                  | +7 900 000-01-03
phone | 9000000103                        | +7 900 000-01-03
phone | 7 900 000 01 03                   | +7 900 000-01-03
phone | тел. 8 900 000–01–03              | +7 900 000-01-03
phone | 8 (342) 000-00-00                 | +7 342 000-00-00
phone | 8 (342) 000-00-00, доб. 12        | +7 342 000-00-00 доб. 12
phone | 8 342 000 00 00 вн.7              | +7 342 000-00-00 доб. 7
phone | 8 700 000 30 00                   | +7 700 000-30-00
phone | 700 000 30 00                     | +7 700 000-30-00
phone | 8 800 000-00-00                   | +7 800 000-00-00
phone | 89000000103, 8 (342) 000-00-00    | +7 900 000-01-03, +7 342 000-00-00
phone | +375 29 000-00-00                 | +375 29 000-00-00
phone | +49  30  00000000                 | +49 30 00000000
email | anna@example.org                  | anna@example.org
email | Anna.B-c+d@Example.ORG            | Anna.B-c+d@example.org
email | почта@пример.рф                   | почта@пример.рф
snils | 112-233-445 95                    | 112-233-445 95
snils | 11223344595                       | 112-233-445 95
snils | 112 233 445 95                    | 112-233-445 95
snils | 087-654-303 00                    | 087-654-303 00
snils | 001-001-997 11                    | 001-001-997 11
iin   | 990101300013                      | 990101300013
iin   | 99 01 01 300013                   | 990101300013
iin   | 160229500017                      | 160229500017
iin   | 990101300409                      | 990101300409
"""

WRONG = """
phone | 12                                | 11 digits
phone | 000-01-03                         | 11 digits
phone | 8 900 000-01-0                    | 11 digits
phone | 8 900 000-01-033                  | 11 digits
phone | +7 900 000-01                     | 11 digits
phone | +7 100 000-01-03                  | 11 digits
phone | 0 900 000-01-03                   | 11 digits
phone | +375 29                           | 11 digits
phone | 7 900 000-01-0                    | 11 digits
phone | у соседки                         | 11 digits
phone | 89000000103, нет                  | 11 digits
phone | ٨٩٠٠٠٠٠٠١٠٣                       | 11 digits
phone | +                                 | 11 digits
email | anna                              | looks like
email | anna@example                      | looks like
email | anna@@example.org                 | looks like
email | anna@exa..mple.org                | looks like
email | anna@example.org,b@c.ru           | looks like
email | @example.org                      | looks like
snils | 112-233-445 94                    | slip
snils | 112-233-454 95                    | slip
snils | 112-233-445                       | 11 digits
snils | 000-000-000 00                    | 11 digits
snils | 112-233-44x 95                    | 11 digits
iin   | 990101300010                      | slip
iin   | 990102300013                      | slip
iin   | 99010130001                       | 12 digits
iin   | 991301300018                      | 12 digits
iin   | 990230300018                      | 12 digits
iin   | 990101700018                      | 12 digits
"""


def rows(table: str) -> list[tuple[Check, str, str]]:
    lines = ([part.strip() for part in line.split("|")] for line in table.strip().splitlines())
    return [(getattr(numbers, name), typed, told) for name, typed, told in lines]


@pytest.mark.parametrize(("check", "typed", "kept"), rows(RIGHT))
def test_the_one_form(check: Check, typed: str, kept: str) -> None:
    assert check.read(typed) == kept
    assert check.read(kept) == kept, "what is kept is read again as it is"


@pytest.mark.parametrize(("check", "typed", "words"), rows(WRONG))
def test_a_slip_is_told(check: Check, typed: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check.read(typed)


def test_no_single_wrong_digit_of_a_snils_passes() -> None:
    """What a checksum is for: another digit in any place is noticed."""
    right = "11223344595"
    for place, digit in enumerate(right):
        for other in set("0123456789") - {digit}:
            with pytest.raises(ValueError):
                numbers.snils.read(right[:place] + other + right[place + 1 :])
