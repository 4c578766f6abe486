"""What people see of suspensions, and lifting one by its number."""


def test_list_and_lift(acme):
    acme("trunk", "suspend", "acme-paris", "--destination", "lv", "--reason", "fraud")
    acme("trunk", "suspend", "acme-paris", "--until", "2099-01-01", "--reason", "unpaid")
    newest, oldest = acme.json("suspension", "list")
    assert (newest["scope"], newest["expires_at"][:10]) == ("all", "2098-12-31")
    assert (oldest["target"], oldest["author"], oldest["findings"]) == ("lv", "alice", [])

    number = str(oldest["id"])
    told = acme("suspension", "lift", number, "--reason", "they rang").stderr
    assert told == "Trunk acme-paris: no longer suspended (destination lv).\n"
    assert [each["scope"] for each in acme.json("suspension", "list")] == ["all"]
    every = acme.json("suspension", "list", "--all", "--trunk", "acme-paris")
    assert [each["lifted_at"] is None for each in every] == [True, False]
    assert "is lifted already" in acme("suspension", "lift", number, fails=1).stderr


def test_what_is_not_there_says_where_to_look(acme):
    assert "'siptrunk suspension list'" in acme("suspension", "lift", "99", fails=1).stderr
    assert "There is no trunk no" in acme("suspension", "list", "--trunk", "no", fails=1).stderr
