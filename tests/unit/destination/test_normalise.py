import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.destination import (
    Destination,
    Kind,
    caller_number,
    country_code,
    is_emergency,
    normalise,
)
from asterisk_siptrunk.errors import InvalidInput

FRENCH = [
    # every form of one number
    ("0123456789", "+33123456789", "fr:fixed"),
    ("0033123456789", "+33123456789", "fr:fixed"),
    ("+33123456789", "+33123456789", "fr:fixed"),
    ("33123456789", "+33123456789", "fr:fixed"),
    ("+330123456789", "+33123456789", "fr:fixed"),  # trunk prefix left in, as in +33 (0)1
    # the ranges of the plan
    ("0142685300", "+33142685300", "fr:fixed"),
    ("0556006000", "+33556006000", "fr:fixed"),
    ("0612345678", "+33612345678", "fr:mobile"),
    ("0756789012", "+33756789012", "fr:mobile"),
    ("0972101010", "+33972101010", "fr:voip"),
    ("0162123456", "+33162123456", "fr:fixed"),  # telemarketing is an ordinary number to call
    ("0800123456", "+33800123456", "fr:free"),
    ("0805123456", "+33805123456", "fr:free"),
    ("0806123456", "+33806123456", "fr:shared_cost"),
    ("0809123456", "+33809123456", "fr:shared_cost"),
    ("0810123456", "+33810123456", "fr:premium"),
    ("0820123456", "+33820123456", "fr:premium"),
    ("0825123456", "+33825123456", "fr:premium"),
    ("0892123456", "+33892123456", "fr:premium"),
    ("0899123456", "+33899123456", "fr:premium"),
    ("0870123456", "+33870123456", "fr:unallocated"),
    # overseas, dialled nationally: libphonenumber refuses them or takes them for mainland
    ("0262123456", "+262262123456", "re:fixed"),
    ("0263012345", "+262263012345", "re:fixed"),
    ("0692123456", "+262692123456", "re:mobile"),
    ("0693012345", "+262693012345", "re:mobile"),
    ("0269612345", "+262269612345", "yt:fixed"),
    ("0639612345", "+262639612345", "yt:mobile"),
    ("0590812345", "+590590812345", "gp:fixed"),
    ("0690123456", "+590690123456", "gp:mobile"),
    ("0691221234", "+590691221234", "gp:mobile"),
    ("0594212345", "+594594212345", "gf:fixed"),
    ("0694212345", "+594694212345", "gf:mobile"),
    ("0596512345", "+596596512345", "mq:fixed"),
    ("0696123456", "+596696123456", "mq:mobile"),
    ("0697123456", "+596697123456", "mq:mobile"),
    ("0508412233", "+508412233", "pm:fixed"),
    ("0708401234", "+508708401234", "pm:mobile"),
    ("0976221234", "+262976221234", "re:voip"),
    ("+33596512345", "+596596512345", "mq:fixed"),  # by a PBX that puts +33 before everything
    ("+596596512345", "+596596512345", "mq:fixed"),
    # short numbers
    ("3000", "3000", "fr:free"),
    ("3007", "3007", "fr:free"),
    ("3008", "3008", "fr:premium"),
    ("3009", "3009", "fr:free"),
    ("3114", "3114", "fr:free"),
    ("3169", "3169", "fr:free"),
    ("3170", "3170", "fr:premium"),
    ("3180", "3180", "fr:free"),
    ("3199", "3199", "fr:free"),
    ("3200", "3200", "fr:premium"),
    ("3919", "3919", "fr:free"),
    ("3949", "3949", "fr:free"),
    ("3999", "3999", "fr:premium"),
    ("1013", "1013", "fr:free"),
    ("1023", "1023", "fr:short"),
    ("118218", "118218", "fr:premium"),
    ("116006", "116006", "fr:free"),
    ("112", "112", "fr:emergency"),
    ("15", "15", "fr:emergency"),
    ("116117", "116117", "fr:emergency"),
    # abroad
    ("00442079460000", "+442079460000", "gb:fixed"),
    ("442079460000", "+442079460000", "gb:fixed"),  # twelve digits, no 0: not national
    ("4520123456", "+4520123456", "dk:fixed_or_mobile"),  # ten digits, no 0: not national
    ("+12125551234", "+12125551234", "us:fixed_or_mobile"),
    ("+18765551234", "+18765551234", "jm:mobile"),
    ("+18095551234", "+18095551234", "do:fixed_or_mobile"),
    ("+390612345678", "+390612345678", "it:fixed"),  # Italy keeps its 0
    ("+447012345678", "+447012345678", "gb:personal"),
    ("+37190123456", "+37190123456", "lv:premium"),
    # networks of no country
    ("+870773123456", "+870773123456", "001:satellite"),
    ("+881631234567", "+881631234567", "001:satellite"),
    ("0088213123456", "+88213123456", "001:satellite"),
    ("+883510012345678", "+883510012345678", "001:satellite"),
    ("+979123456789", "+979123456789", "001:satellite"),
    ("+878101234567890", "+878101234567890", "001:satellite"),
    ("+80012345678", "+80012345678", "001:free"),
    ("+80812345678", "+80812345678", "001:shared_cost"),
    # lengths that may be, ranges that nobody was given
    ("0033262", None, None),
    ("+44999999999", "+44999999999", "gb:unallocated"),
    ("+18761234567", "+18761234567", "jm:unallocated"),
]

NOWHERE = [
    "",
    "+",
    "0",
    "00",
    "000000000",
    "1125",  # begins like an emergency number
    "+112",
    "00112",
    "0112",
    "911",
    "123456789",  # the trunk prefix is missing
    "01234567",
    "012345678901",
    "0042",
    "+999123456789",  # no such country code
    "+210123456789",
    "+8816312345",
    "12345",
    "4412345",  # too short to be E.164 that has lost its plus
    "+33 1 23 45 67 89",
    "0123456789\n",
    "01234\x0056789",
    "%0A0123456789",
    "0123456789;x",
    "++33123456789",
    "\N{ARABIC-INDIC DIGIT ZERO}\N{ARABIC-INDIC DIGIT ONE}23456789",
    "\N{FULLWIDTH DIGIT ZERO}123456789",
    "0" * 21,
    "+" + "3" * 21,
    "anonymous",
    "sip:0123456789",
]

ELSEWHERE = [
    ("RE", "0262123456", "+262262123456", "re:fixed"),
    ("RE", "0123456789", "+33123456789", "fr:fixed"),  # one plan: Réunion dials Paris nationally
    ("RE", "262262123456", "+262262123456", "re:fixed"),
    ("MQ", "3949", "3949", "mq:free"),
    ("YT", "119", "119", "yt:emergency"),
    ("US", "2125551234", "+12125551234", "us:fixed_or_mobile"),
    ("US", "12125551234", "+12125551234", "us:fixed_or_mobile"),
    ("US", "+12125551234", "+12125551234", "us:fixed_or_mobile"),
    ("US", "01133123456789", "+33123456789", "fr:fixed"),
    ("US", "0033123456789", "+33123456789", "fr:fixed"),
    ("US", "33123456789", "+33123456789", "fr:fixed"),
    ("US", "18005551234", "+18005551234", "us:free"),
    ("US", "9005551234", "+19005551234", "us:premium"),
    ("US", "18765551234", "+18765551234", "jm:mobile"),
    ("US", "7875551234", "+17875551234", "pr:fixed_or_mobile"),
    ("US", "4165551234", "+14165551234", "ca:fixed_or_mobile"),
    ("US", "411", "411", "us:short"),
    ("US", "5551234", None, None),  # seven digits: the area is not known
    ("US", "4520123456", "+14520123456", "us:unallocated"),  # could be Denmark, is national first
    ("CA", "18005551234", "+18005551234", "ca:free"),  # toll-free is every member's own
    ("JM", "8765551234", "+18765551234", "jm:mobile"),
    ("GB", "02079460000", "+442079460000", "gb:fixed"),
    ("GB", "07400123456", "+447400123456", "gb:mobile"),
    ("GB", "2079460000", None, None),
    ("GB", "01481712345", "+441481712345", "gg:fixed"),
    ("GB", "111", "111", "gb:short"),
    ("GB", "101", "101", "gb:short"),
    ("GB", "118500", "118500", "gb:premium"),
    ("DE", "030123456", "+4930123456", "de:fixed"),
    ("DE", "017612345678", "+4917612345678", "de:mobile"),
    ("DE", "30123456", None, None),  # in Munich this is a local number
    ("DE", "4930123456", "+4930123456", "de:fixed"),
    ("DE", "11880", "11880", "de:premium"),
    ("IT", "0612345678", "+390612345678", "it:fixed"),
    ("IT", "3331234567", "+393331234567", "it:mobile"),
    ("IT", "393331234567", "+393331234567", "it:mobile"),
    ("IT", "0669812345", "+390669812345", "va:fixed"),
    ("IT", "0549886377", "+3780549886377", "sm:fixed"),
    ("ES", "912345678", "+34912345678", "es:fixed"),
    ("ES", "34912345678", "+34912345678", "es:fixed"),
    ("AU", "0011442079460000", "+442079460000", "gb:fixed"),
    ("AU", "1800123456", "+611800123456", "au:free"),
    ("AU", "000", "000", "au:emergency"),
    ("IN", "9876543210", "+919876543210", "in:mobile"),
    ("IN", "09876543210", "+919876543210", "in:mobile"),
    ("CN", "13800138000", "+8613800138000", "cn:mobile"),
    ("JP", "0312345678", "+81312345678", "jp:fixed"),
    ("JP", "01033123456789", "+33123456789", "fr:fixed"),
    ("HU", "0612345678", "+3612345678", "hu:fixed"),
    ("RU", "89161234567", "+79161234567", "ru:mobile"),
    ("RU", "79161234567", "+79161234567", "ru:mobile"),
    ("XX", "+33123456789", "+33123456789", "fr:fixed"),
    ("XX", "112", "112", "xx:emergency"),
    ("XX", "0123456789", None, None),
    ("GN", "1", None, None),
    ("FR", "+49180012345678901", None, None),  # possible in Germany, longer than E.164
]


def told(destination: Destination | None) -> tuple[str | None, str | None]:
    return (destination.number, destination.zone) if destination else (None, None)


@pytest.mark.parametrize(("dialled", "number", "zone"), FRENCH)
def test_what_a_french_pbx_dials(dialled: str, number: str | None, zone: str | None) -> None:
    assert told(normalise(dialled, "FR")) == (number, zone)


@pytest.mark.parametrize("dialled", NOWHERE)
def test_what_leads_nowhere(dialled: str) -> None:
    assert normalise(dialled, "FR") is None


@pytest.mark.parametrize(("country", "dialled", "number", "zone"), ELSEWHERE)
def test_what_pbxs_dial_elsewhere(
    country: str, dialled: str, number: str | None, zone: str | None
) -> None:
    assert told(normalise(dialled, country)) == (number, zone)


def test_a_country_may_be_written_in_small_letters() -> None:
    assert normalise("15", "fr") == Destination("15", "FR", Kind.EMERGENCY)


@pytest.mark.parametrize(
    ("presented", "number"),
    [
        ("0123456789", "+33123456789"),
        ("0033123456789", "+33123456789"),
        ("+33123456789", "+33123456789"),
        ("33123456789", "+33123456789"),
        ("0262123456", "+262262123456"),
        ("15", None),
        ("3949", None),
        ("anonymous", None),
        ("", None),
        ("201", None),  # an extension of the PBX
    ],
)
def test_caller_numbers(presented: str, number: str | None) -> None:
    assert caller_number(presented, "FR") == number


def test_country_codes() -> None:
    assert [country_code(c) for c in ("FR", "US", "RE", "it")] == ["33", "1", "262", "39"]
    with pytest.raises(InvalidInput, match="'XX'"):
        country_code("XX")


COUNTRIES = st.sampled_from([*sorted(phonenumbers.SUPPORTED_REGIONS), "XX", ""])
DIALLED = st.one_of(st.text(), st.from_regex(r"\+?[0-9]{1,20}", fullmatch=True))


@given(DIALLED, COUNTRIES)
def test_never_raises_and_reads_its_own_output_again(dialled: str, country: str) -> None:
    destination = normalise(dialled, country)
    if destination is not None:
        assert normalise(destination.number, country) == destination
        assert destination.is_emergency == is_emergency(dialled, country)


@given(st.text(), st.text())
def test_never_raises_whatever_the_country(dialled: str, country: str) -> None:
    normalise(dialled, country)
    caller_number(dialled, country)


@given(st.integers(10**8, 10**9 - 1))
def test_forms_of_a_french_number_agree(digits: int) -> None:
    forms = [f"0{digits}", f"0033{digits}", f"+33{digits}"]
    national, *others = [normalise(form, "FR") for form in forms]
    assert others == [national, national]
    without_plus = normalise(f"33{digits}", "FR")
    is_allocated = national is not None and national.kind is not Kind.UNALLOCATED
    assert without_plus == (national if is_allocated else None)


@given(st.integers(10**9, 10**10 - 1))
def test_forms_of_an_american_number_agree(digits: int) -> None:
    forms = [f"+1{digits}", f"0111{digits}", f"001{digits}"]
    first, *others = [normalise(form, "US") for form in forms]
    assert others == [first, first]
