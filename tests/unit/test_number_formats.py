"""Numbers of a spreadsheet as their formats show them."""

import datetime

import pytest

from docent.stages.ingest.tables.date_formats import shown_date, shown_duration
from docent.stages.ingest.tables.number_formats import plain_number, shown_number

ACCOUNT = '_-* #,##0.00 "€"_-;-* #,##0.00 "€"_-;_-* "-"?? "€"_-;_-@_-'


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (1240, '#,##0.00 "€"', "1,240.00 €"),
        (1240, "#,##0.00\\ [$€-407]", "1,240.00 €"),
        (80, "[$$-409]#,##0.00", "$80.00"),
        (80, '"CHF" 0.00', "CHF 80.00"),
        (12.5, '0.0" kg"', "12.5 kg"),
        (12.5, "0.0 \\k\\g", "12.5 kg"),
        (12, '0 "m²"', "12 m²"),
        (3, 'General" pieces"', "3 pieces"),
        (0.25, "0%", "25%"),
        (0.255, "0.0%", "25.5%"),
        (25, '0"%"', "25%"),
        (1234567, '#,##0,"k"', "1,235k"),
        (1234567, '0.0,,"M"', "1.2M"),
        (-5.5, "#,##0.00;(#,##0.00)", "(5.50)"),
        (-5.5, "0.00", "-5.50"),
        (-3, '0" °C"', "-3 °C"),
        (-5, "0.00;[Red]0.00", "-5.00"),
        (-5, '"$"0', "-$5"),
        (-5, "[<10]0.0;0", "-5.0"),
        (-5, '0.00;"minus "0.00', "minus 5.00"),
        (-80, ACCOUNT, "-80.00 €"),
        (0, ACCOUNT, "- €"),
        (0, '0;-0;"none"', "none"),
        (7, "000", "007"),
        (0.5, "0.###", "0.5"),
        (1.005, "0.00", "1.01"),
        (12345, "0.00E+00", "1.23E+04"),
        (1.5, "# ?/?", "1 1/2"),
        (5551234, "000\\-0000", "555-1234"),
        (5, '[Red][<10]0" small";0" big"', "5 small"),
        (50, '[Red][<10]0" small";0" big"', "50 big"),
        (0.1 + 0.2, "General", "0.3"),
        (1e20, "0", "100000000000000000000"),
        (7, ";;;", "7"),
        (float("inf"), "0.00", "inf"),
        (7, "0" * 300, "7"),
        (7, "# ?/0", "7"),
        (7, "[<x]0;0;0;0;0", "7"),
    ],
)
def test_a_number_has_the_unit_and_the_places_of_its_format(value: float, code: str, shown: str) -> None:
    assert shown_number(value, code) == shown


def test_a_number_without_a_format_has_fifteen_digits_at_most() -> None:
    assert [plain_number(value) for value in (3, 3.0, 0.1, 1 / 3)] == ["3", "3", "0.1", "0.333333333333333"]


@pytest.mark.parametrize(
    ("days", "code", "shown"),
    [
        (26.5 / 24, "[h]:mm", "26:30"),
        (0.5, "[h]:mm:ss", "12:00:00"),
        (90.5 / 1440, "[mm]:ss", "90:30"),
        (2, "[h]", "48"),
        (90 / 86400, "[s]", "90"),
        (-1, "[hh]:mm", "-24:00"),
    ],
)
def test_a_duration_may_be_longer_than_a_day(days: float, code: str, shown: str) -> None:
    assert shown_duration(days, code) == shown


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("yyyy-mm-dd", "1890-05-03"),
        ("d mmm yyyy", "1890-05-03"),
        ("mmmm yyyy", "1890-05"),
        ("yyyy", "1890"),
        ("yyyy-mm-dd h:mm", "1890-05-03 14:30:00"),
        ("h:mm AM/PM", "14:30:00"),
    ],
)
def test_a_date_says_no_more_than_its_format_shows(code: str, shown: str) -> None:
    assert shown_date(datetime.datetime.fromisoformat("1890-05-03T14:30"), code) == shown


ODD = ["0." + "0" * 250, "0" + "%" * 250, "0" + "," * 250, "#" * 250, "0E+" + "0" * 200, '"', "[", "\\"]


@pytest.mark.parametrize("code", ODD)
@pytest.mark.parametrize("value", [0, 7, -1e300, 5e-324])
def test_no_code_stops_a_workbook_or_makes_a_number_endless(value: float, code: str) -> None:
    assert len(shown_number(value, code)) < 1200
