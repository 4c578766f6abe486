"""Destinations: what is open, what a number would meet, and how they are opened and blocked."""

from datetime import timedelta

import pytest

from asterisk_siptrunk.database import audit, carriers, rules, suspensions, trunks
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.destination import Action, Layer, Rule, Target
from asterisk_siptrunk.trunk import Suspension, SuspensionScope, SuspensionSource
from asterisk_siptrunk.web.site.destinations import world_map
from tests.unit.database.builders import carrier
from tests.unit.web.site.selling import open_shop

PAGE = "/trunks/acme-paris/destinations"
LATVIA = f"{PAGE}/open/lv"
ADMIN = "customer-admin@acme.example"


@pytest.fixture
def shop(house):
    """With prices: Latvia 0.20 a minute, its mobiles 0.12, its premium numbers 3.50."""
    shop = open_shop(house)
    shop.pay(shop.order(5, "acme-paris"))
    return shop


@pytest.fixture
def put(house, clock):
    """Sets a rule as the provider."""

    def put(target, action=Action.BLOCK, trunk="acme-paris", *, locked=False, note=""):
        with transaction(house.engine) as connection:
            rule = Rule(Target.parse(target), action, Layer.PROVIDER, locked, note)
            rules.put(connection, By("root", clock.now), rule, trunk)

    return put


@pytest.fixture
def numbered(house, clock):
    """acme-paris may present a number."""
    with transaction(house.engine) as connection:
        by = By("root", clock.now)
        trunks.add_number(connection, by, "acme-paris", "+33123456789", main=True)


@pytest.fixture
def carried(house, clock):
    """A carrier takes calls."""
    with transaction(house.engine) as connection:
        carriers.add(connection, By("root", clock.now), carrier())


def own_rules(house) -> dict[str, str]:
    """The rules of acme-paris by target: action, and whose."""
    with reading(house.engine) as connection:
        found = rules.every(connection, "acme-paris")
    return {
        str(one.rule.target): f"{one.rule.action} {one.rule.layer}{' locked' * one.rule.locked}"
        for one in found
        if one.trunk
    }


def row_of(html: str, country: str) -> str:
    """The table's row of a country."""
    found = html.partition(f'<tr id="c-{country}">')[2].partition("</tr>")[0]
    assert found
    return " ".join(found.split())


@pytest.mark.usefixtures("shop")
def test_the_table_tells_state_rule_price_and_risk(user):
    html = user.get(PAGE).text
    latvia, germany = row_of(html, "LV"), row_of(html, "DE")
    assert "Latvia" in latvia
    assert ">blocked<" in latvia
    assert "what toll fraud prefers: blocked by" in latvia
    assert "destinations that toll fraud prefers" in latvia  # the rule's note
    assert "from €0.12 to €3.50" in latvia
    assert ">high<" in latvia
    assert ">open<" in germany
    assert "but not: " in germany
    assert "no price known" in germany
    assert "Open…" not in latvia  # a user may look only


def test_names_are_in_the_readers_language(user):
    html = user.get(f"{PAGE}/table?search=lettonie", **{"Accept-Language": "fr"}).text
    assert "Lettonie" in html
    assert "Allemagne" not in html


@pytest.mark.parametrize(
    ("query", "there", "not_there"),
    [
        ("search=LATV", ["LV"], ["DE"]),
        ("search=%2B371", ["LV"], ["DE"]),
        ("search=+", ["LV", "DE"], []),
        ("search=cote d'iv", ["CI"], ["LV"]),  # nobody has to type accents
        ("search=lv", ["LV"], ["DE"]),
        ("state=blocked", ["LV", "CU"], ["DE"]),
        ("state=locked", [], ["LV", "DE"]),
        ("kind=premium", ["LV", "DE"], []),
        ("kind=premium&search=latvia", ["LV"], ["DE"]),
        ("kind=nonsense&sort=nonsense", ["LV", "DE"], []),
    ],
)
def test_the_table_is_searched(user, query, there, not_there):
    html = user.get(f"{PAGE}/table?{query}").text
    for country in there:
        assert f'id="c-{country}"' in html
    for country in not_there:
        assert f'id="c-{country}"' not in html


def test_a_search_that_finds_nothing_says_so(user):
    assert "Nothing is like that." in user.get(f"{PAGE}/table?search=atlantis").text


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("query", "first", "second"),
    [
        ("sort=name", "DE", "LV"),
        ("sort=name&down=1", "LV", "DE"),
        ("sort=price", "LV", "DE"),  # the one without a price comes last
        ("sort=risk", "LV", "DE"),
        ("sort=state", "DE", "LV"),
    ],
)
def test_the_table_is_sorted(user, query, first, second):
    html = user.get(f"{PAGE}/table?{query}").text
    assert html.index(f'id="c-{first}"') < html.index(f'id="c-{second}"')
    assert f'aria-sort="{"descending" if "down" in query else "ascending"}"' in html


def test_the_map_has_the_table_s_states(user, put):
    put("de", locked=True)
    html = user.get(PAGE).text
    assert '<a href="#c-LV" aria-label="Latvia: blocked"><path class="blocked"' in html
    assert '<a href="#c-FR" aria-label="France: open"><path class="open"' in html
    assert '<a href="#c-DE" aria-label="Germany: locked by' in html


def test_the_map_is_small_and_says_where_it_is_from():
    world = world_map()
    assert "Natural Earth" in world["source"]
    assert sum(map(len, world["shapes"].values())) < 150_000
    assert {"FR", "LV", "XK"} <= set(world["shapes"])


@pytest.mark.usefixtures("shop")
def test_a_country_s_kinds_of_numbers(admin):
    html = " ".join(admin.get(f"{PAGE}/countries/LV").text.split())
    mobiles = html.partition('<th scope="row">mobiles</th>')[2].partition("</tr>")[0]
    premium = html.partition('<th scope="row">surcharged numbers</th>')[2].partition("</tr>")[0]
    assert "€0.12" in mobiles  # all of them begin with +3712
    assert "€0.20" in html  # landlines do not
    assert "€3.50" in premium
    assert f"{PAGE}/open/lv%3Apremium" in premium
    assert admin.get(f"{PAGE}/countries/XX").status_code == 404


def test_what_is_opened_is_said_before_it_is(admin, shop, house):
    del shop
    html = admin.get(LATVIA).text
    assert "Latvia: mobiles" in html
    assert "Latvia: surcharged numbers" not in html  # a rule of their own stays
    assert "€0.20" in html
    assert 'id="risky"' in html
    assert f'action="{LATVIA}/risky"' in html
    assert own_rules(house) == {}


def test_what_is_risky_asks_for_the_password(admin, house, clock):
    assert admin.post(LATVIA).status_code == 422
    clock.advance(minutes=11)
    answer = admin.client.post(
        f"{LATVIA}/risky",
        data={"form_word": admin.word},
        headers={"Referer": f"https://testserver{LATVIA}"},
    )
    assert answer.headers["location"].startswith("/confirm")
    assert own_rules(house) == {}
    place = answer.headers["location"]
    assert LATVIA.replace("/", "%2F") in place  # and leads back to what was asked
    admin.log_in(ADMIN)
    assert admin.post(f"{LATVIA}/risky", note="branch in Riga").status_code == 303
    assert own_rules(house) == {"lv": "allow customer"}
    with reading(house.engine) as connection:
        (entry,) = audit.history(connection, "destination", "acme-paris")
    assert (entry.author, entry.change) == (ADMIN, "allow lv")
    html = admin.get(PAGE).text
    assert ">open<" in row_of(html, "LV")
    assert "branch in Riga" in html
    assert "allow lv" in html


def test_what_is_not_risky_needs_no_password(admin, house, clock):
    assert admin.post(f"{PAGE}/block/de").status_code == 303
    clock.advance(minutes=11)
    assert admin.post(f"{PAGE}/open/de").status_code == 303
    assert own_rules(house) == {"de": "allow customer"}


def test_a_block_says_what_it_closes_and_that_emergencies_pass(admin, house):
    html = admin.get(f"{PAGE}/block/de").text
    assert "Germany: landlines" in html
    assert "Emergency calls always pass" in html
    assert admin.get(f"{PAGE}/block/112").status_code == 422
    assert admin.post(f"{PAGE}/block/112").status_code == 422
    assert own_rules(house) == {}


def test_a_rule_is_taken_away(admin, house, put):
    put("de", note="the provider's own")
    assert admin.post(f"{PAGE}/open/de").status_code == 303
    html = admin.get(f"{PAGE}/remove/de").text
    assert "Germany: opened by the customer" in html
    assert "This blocks" in html
    assert admin.post(f"{PAGE}/remove/de").status_code == 303
    assert own_rules(house) == {"de": "block provider"}
    assert admin.get(f"{PAGE}/remove/de").status_code == 404
    assert admin.post(f"{PAGE}/remove-provider/de").status_code == 404


def test_to_take_a_block_away_may_be_risky_too(admin, house, put):
    put("lv", Action.ALLOW)
    assert admin.post(f"{PAGE}/block/lv").status_code == 303
    assert admin.post(f"{PAGE}/remove/lv").status_code == 422
    assert admin.post(f"{PAGE}/remove/lv/risky").status_code == 303
    assert own_rules(house) == {"lv": "allow provider"}


def test_what_is_locked_stays(admin, provider, house, put):
    put("de", locked=True, note="fraud of May")
    assert "cannot be changed here" in row_of(admin.get(PAGE).text, "DE")
    html = admin.get(f"{PAGE}/open/de:mobile").text
    assert "This changes nothing now." in html
    assert "fraud of May" in html
    assert 'id="change"' not in html
    for target in ("de", "de:mobile"):
        assert admin.post(f"{PAGE}/open/{target}").status_code == 422
    assert own_rules(house) == {"de": "block provider locked"}
    assert provider.post(f"{PAGE}/remove-provider/de").status_code == 303
    assert own_rules(house) == {}


@pytest.mark.parametrize(
    ("layer", "kept"),
    [
        ("customer", "block customer"),
        ("provider", "block provider"),
        ("locked", "block provider locked"),
        ("", "block customer"),
    ],
)
def test_the_provider_says_whose_rule_it_is(support, admin, house, layer, kept):
    assert 'name="layer"' in support.get(f"{PAGE}/block/de").text
    assert support.post(f"{PAGE}/block/de", layer=layer).status_code == 303
    assert own_rules(house) == {"de": kept}
    assert 'name="layer"' not in admin.get(f"{PAGE}/block/fr").text
    admin.post(f"{PAGE}/block/fr:mobile", layer="locked")
    assert own_rules(house)["fr:mobile"] == "block customer"


def test_rules_that_changed_meanwhile_are_looked_at_again(admin, house, put, monkeypatch):
    plan = "asterisk_siptrunk.web.site.destination_change._plan"
    from asterisk_siptrunk.web.site import destination_change  # noqa: PLC0415

    whole = destination_change._plan

    def slow(*arguments):
        made = whole(*arguments)
        put("fr")
        return made

    monkeypatch.setattr(plan, slow)
    answer = admin.post(f"{PAGE}/block/de")
    assert (answer.status_code, "have changed meanwhile" in answer.text) == (422, True)
    assert own_rules(house) == {"fr": "block provider"}


@pytest.mark.parametrize(
    ("target", "leads"),
    [("+37 129", "%2B37129"), ("LV:premium", "lv%3Apremium"), ("*:premium", "%2A%3Apremium")],
)
def test_any_destination_can_be_written(admin, target, leads):
    address = f"{PAGE}/choose?change=open&target={target.replace('+', '%2B')}"
    assert admin.get(address).headers["location"] == f"{PAGE}/open/{leads}"
    assert admin.get(f"{PAGE}/open/{leads}").status_code == 200


def test_what_cannot_be_is_refused(admin):
    for address in (f"{PAGE}/open/nowhere", f"{PAGE}/choose?target=nowhere"):
        assert admin.get(address).status_code == 422
    assert admin.get(f"{PAGE}/shut/lv").status_code == 404
    assert admin.post(f"{PAGE}/block/de", note="x" * 201).status_code == 422


@pytest.mark.usefixtures("shop", "numbered", "carried")
@pytest.mark.parametrize(
    ("number", "said"),
    [
        (
            "0037129123456",
            ["would be refused", "toll fraud prefers: blocked by", "answer 403"],
        ),
        ("+371 2912-3456", ["Latvia, mobiles", "€0.12"]),
        ("0612345678", ["+33612345678", "mobiles", "no rule speaks of it", "€0.06"]),
        ("112", ["would pass", "no rule and no limit stops it"]),
        ("999999999999999999999", ["too long to be dialled"]),
        ("mother", ["cannot be dialled"]),
    ],
)
def test_a_number_is_tried(user, number, said):
    query = f"number={number.replace('+', '%2B')}"
    part = " ".join(user.get(f"{PAGE}/test?{query}").text.split())
    whole = " ".join(user.get(f"{PAGE}?{query}").text.split())  # without JavaScript
    for words in said:
        assert words in part
        assert words in whole


@pytest.mark.usefixtures("numbered")
def test_carriers_are_the_provider_s_business(user, support):
    for browser, told in ((user, False), (support, True)):
        part = browser.get(f"{PAGE}/test?number=0612345678&caller=").text
        assert ("no carrier is in service" in part) is told


def test_a_suspension_is_shown_with_a_way_to_it(user, house, clock):
    stop = Suspension(
        SuspensionScope.DESTINATION,
        "many calls to Latvia",
        SuspensionSource.ANOMALY,
        "lv:mobile",
        clock.now + timedelta(hours=1),
    )
    caller = Suspension(SuspensionScope.CALLER, "a phone", target="100")
    with transaction(house.engine) as connection:
        for one in (stop, caller):
            suspensions.suspend(connection, By("watch", clock.now), "acme-paris", one)
    html = user.get(PAGE).text
    assert "Suspended: destination lv:mobile" in html
    assert "many calls to Latvia" in html
    assert "Suspended: caller" not in html
    assert '/trunks/acme-paris/anomalies">suspended</a>' in row_of(html, "LV")
    assert "suspended" not in row_of(html, "DE")
    clock.advance(hours=2)
    assert "Suspended: " not in user.get(PAGE).text


def test_customers_do_not_read_who_works_for_the_provider(user, support, admin):
    support.post(f"{PAGE}/block/de")
    admin.post(f"{PAGE}/block/nl")
    html = user.get(PAGE).text.partition('id="history"')[2]
    assert "provider-support@" not in html
    assert ADMIN in html
    assert "provider-support@" in support.get(PAGE).text.partition('id="history"')[2]


@pytest.mark.parametrize(
    "place",
    [
        *("", "/table", "/test?number=112", "/countries/LV", "/choose?target=lv"),
        *("/open/lv", "/block/lv", "/remove/lv"),
    ],
)
def test_nobody_reaches_anothers_destinations(stranger, user, house, place):
    assert stranger.get(f"{PAGE}{place}").status_code == 404
    if place.count("/") == 2 and "countries" not in place:
        for end in ("", "/risky"):
            assert stranger.post(f"{PAGE}{place}{end}").status_code == 404
            assert user.post(f"{PAGE}{place}{end}").status_code == 403
        assert user.get(f"{PAGE}{place}").status_code == 403
    assert own_rules(house) == {}


def test_prices_follow_a_deck_that_is_loaded_anew(user, shop):
    assert "€3.50" in row_of(user.get(PAGE).text, "LV")
    with shop.changing() as connection:
        connection.exec_driver_sql("UPDATE rate SET price = 4000000 WHERE target = 'lv:premium'")
        audit.note(connection, shop.by, "rate", "world", "loaded")
    assert "€4.00" in row_of(user.get(PAGE).text, "LV")
