"""What a notice says to people and to programs."""

import json
from dataclasses import replace

from asterisk_siptrunk.notice.words import body, letter
from tests.unit.notice.builders import INVOICE, WEBHOOK, issued


def test_a_mail_for_a_person():
    assert letter(issued(), "Example Telecom").subject == "Invoice F2026-00017: 59.40 EUR"
    assert letter(issued(), "Example Telecom").text == (
        "Your invoice F2026-00017 is ready.\n\nTo pay:  59.40 EUR\nDue on:  2026-12-23\n"
        "\n-- \nExample Telecom\n"
    )


def test_a_body_for_a_program():
    assert json.loads(body(issued(WEBHOOK))) == {
        "id": 17,
        "kind": "invoice-issued",
        "at": "2026-11-23T12:00:00Z",
        "facts": INVOICE,
    }


def test_a_fact_with_braces_is_told_as_it_is():
    told = letter(replace(issued(), facts=INVOICE | {"invoice": "{amount}"}), "{due}")
    assert told.subject == "Invoice {amount}: 59.40 EUR"
    assert told.text.endswith("\n-- \n{due}\n")
