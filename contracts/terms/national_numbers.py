"""Tell the numbers of people and of organisations by their check digits.

A national identity number is eleven digits with both check digits right.

The date in them is not asked for, so D-numbers, H-numbers and synthetic test persons are found too. Patient data have no
place in usage: a file that holds such a number is refused. Event ids are made by machines and may be eleven digits by
chance (one in a hundred of those passes), so they count only where a tenth or more of a file's ids look so.
"""

from __future__ import annotations

import re

from stdnum.no import fodselsnummer, orgnr

_ELEVEN = re.compile(r"(?<![0-9])([0-9]{6})[ -]?([0-9]{5})(?![0-9])")


def holds_national_number(text: str) -> bool:
    """Tell whether a text holds an identity number, also where one space or hyphen stands after the date.

    >>> holds_national_number("pas. 151086 95088"), holds_national_number("15108695089")
    (True, False)
    """
    return len(text) >= 11 and any(_checks(found[1] + found[2]) for found in _ELEVEN.finditer(text))


def _checks(digits: str) -> bool:
    first = fodselsnummer.calc_check_digit1(digits)
    return bool(digits[9] == first and digits[10] == fodselsnummer.calc_check_digit2(digits))


MASK = "***********"


def without_national_numbers(text: str) -> str:
    """Give a text with every identity number in it masked.

    >>> without_national_numbers("pas. 151086 95088, ordre 4500218861")
    'pas. ***********, ordre 4500218861'
    """
    if len(text) < 11:
        return text
    return _ELEVEN.sub(lambda found: MASK if _checks(found[1] + found[2]) else found[0], text)


def is_organisation_number(text: str) -> bool:
    """Tell whether a text is an organisation number: nine digits and nothing else, the last the right check digit.

    >>> is_organisation_number("894166762"), is_organisation_number("894 166 762"), is_organisation_number("000000000")
    (True, False, False)
    """
    return re.fullmatch(r"[0-9]{9}", text) is not None and text != "000000000" and bool(orgnr.is_valid(text))
