"""What our own parser finds, line by line."""

import pytest

from asterisk_siptrunk.generation.check import check, check_change
from asterisk_siptrunk.generation.check_dialplan import check_dialplan, matches, split_arguments
from asterisk_siptrunk.generation.check_pjsip import check_pjsip
from asterisk_siptrunk.generation.parse import parse
from asterisk_siptrunk.generation.plan import render_all
from tests.unit.generation.samples import Provider, settings


def told(problems):
    return [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[a\n", "1: '[a' is no section"),
        ("[a]\nx\n", "2: 'x' is no setting"),
        ("x = 1\n", "1: a setting outside any section"),
        ("[a]\n#exec rm\n", "2: unknown directive '#exec rm'"),
        ("#include siptrunk/none.conf\n", "1: siptrunk/none.conf is not there"),
        ("[a]\nx = \x07\n", "2: holds a control character"),
        ("[a]\nx = " + "y" * 8200, "2: longer than the 8191 characters Asterisk reads"),
        ("[a](b\nx = 1\n", "1: '[a](b' is no section"),
    ],
)
def test_lines(text, problem):
    assert told(parse({"t": text}, "t").problems)[0] == f"t:{problem}"


def test_comments_escapes_and_includes():
    files = {"t": "[a] ; one\nx = 1\\;2 ; three\n#include siptrunk/u\n", "u": "; all\ny=>2\n"}
    parsed = parse(files, "t")
    assert parsed.problems == []
    assert [(e.file, e.line, e.key, e.value) for e in parsed.sections[0].entries] == [
        ("t", 2, "x", "1\\;2"),
        ("u", 2, "y", "2"),
    ]


ENDPOINT = "[e]\ntype=endpoint\ncontext=in\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (ENDPOINT + "alow=all\n", "4: type=endpoint has no option 'alow'"),
        (ENDPOINT + "auth=\n", "4: auth has no value"),
        (ENDPOINT + "auth=a\n", "4: auth: there is no auth [a]"),
        (ENDPOINT + "aors=a\n", "4: aors: there is no aor [a]"),
        (ENDPOINT + ENDPOINT, "4: [e] is a second endpoint; the first is at t:1"),
        ("[e]\ntype=endpoint\n", "1: [e] has no context: it would be 'default'"),
        ("[e]\ntype=endpoint\ncontext=out\n", "3: the dialplan has no context [out]"),
        ("[e]\ncontext=in\n", "1: [e] needs one type, and has []"),
        ("[e](none)\ntype=aor\n", "1: there is no template [none]"),
        ("[e]\ntype=endpiont\n", "1: [e] is of the unknown type 'endpiont'"),
        ("[i]\ntype=identify\nendpoint=x\n", "3: endpoint: there is no endpoint [x]"),
        ("[r]\ntype=registration\noutbound_auth=x\n", "3: outbound_auth: there is no auth [x]"),
    ],
)
def test_pjsip(text, problem):
    assert told(check_pjsip(parse({"t": text}, "t"), ["in"])) == [f"t:{problem}"]


def test_pjsip_templates_are_inherited():
    text = "[b](!)\ntype=endpoint\n[t](!,b)\ncontext=in\n[e](t)\n[e]\ntype=aor\n"
    assert check_pjsip(parse({"t": text}, "t"), ["in"]) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("exten => 1,1,Goto(none,1,1)", "2: goes to the context [none], which is not there"),
        ("exten => 1,1,Goto(b,2,1)", "2: goes to 2,1 of [b], which is not there"),
        ("exten => 1,1,Goto(7)", "2: goes to 1,7 of [a], which is not there"),
        ("exten => 1,1,GotoIf($[1]?none,1,1)", "2: goes to the context [none], which is not there"),
        ("exten => 1,1,GotoIf($[1]?:b,2,1)", "2: goes to 2,1 of [b], which is not there"),
        ("exten => 1,1,Gosub(none,s,1(x))", "2: goes to the context [none], which is not there"),
        ("include => none", "2: includes [none], which is not there"),
        ("exten => 1,1,NoOp(${A)", "2: '}' is missing"),
        ("exten => 1,1,NoOp(${A}", "2: 'NoOp(${A}' is no application with its arguments in "),
        ('exten => 1,1,NoOp(")', "2: a quotation mark has no partner"),
        ("exten => 1,n,NoOp()", "2: extension 1 begins with priority n"),
        ("exten => 1,one,NoOp()", "2: 'one' is no priority"),
        ("same => n,NoOp()", "2: 'same' without an extension before it"),
        ("extne => 1,1,NoOp()", "2: a dialplan has no directive 'extne'"),
        ("exten => 1,1,NoOp()\nexten => 1,1,NoOp()", "3: 1,1 of [a] stands at t:2 already"),
    ],
)
def test_dialplan(text, problem):
    files = {"t": f"[a]\n{text}\n[b]\nexten => _X,1,Hangup()\nexten => 2,2,Hangup()\n"}
    if "b,2,1" in text:
        files["t"] = files["t"].replace("_X", "_Z1")
    (found,) = told(check_dialplan(parse(files, "t")))
    assert found.startswith(f"t:{problem}")


@pytest.mark.parametrize(
    "text",
    [
        "exten => 1,1(top),NoOp()\n same => n,Goto(top)",
        "exten => 1,1,Goto(${X},1,1)\nexten => 2,1,Goto(${X},1)",
        "exten => 1,1,Goto(b,5,1)\n same => n,GotoIf($[${A}?]?b,+33,1)",
        'exten => 1,1,Set(a=${IF($["${B}" = "x"]?y:z)})',
    ],
)
def test_dialplan_that_is_right(text):
    files = {"t": f"[a]\n{text}\n[b]\ninclude => c\n[c]\nexten => _X,1,N()\nexten => _+X!,1,N()\n"}
    assert check_dialplan(parse(files, "t")) == []


@pytest.mark.parametrize("exten", ["_X.", "_.", "_X!", "_[0-9a-z]X", "T", "h", "s", "_+.", "_*X"])
def test_endpoints_reach_digits_only(exten):
    files = {"t": f"[in]\ninclude => more\n[more]\nexten => {exten},1,NoOp()\n"}
    (problem,) = check_dialplan(parse(files, "t"), ["in"])
    assert "admits more than digits" in problem.what


@pytest.mark.parametrize(
    ("pattern", "exten", "fits"),
    [
        ("123", "123", True),
        ("123", "1234", False),
        ("_X", "5", True),
        ("_Z", "0", False),
        ("_N", "1", False),
        ("_n", "2", True),
        ("_[13-5]X", "42", True),
        ("_[13-5]X", "22", False),
        ("_+X!", "+33", True),
        ("_X.", "1", False),
        ("_to+X!", "to+33", True),
    ],
)
def test_patterns(pattern, exten, fits):
    assert matches(pattern, exten) is fits


def test_arguments_are_split_outside_brackets():
    assert split_arguments("a,${F(b,c)},$[d,e]") == ["a", "${F(b,c)}", "$[d,e]"]


@pytest.mark.parametrize(("dedicated", "line"), [(True, "Newchannel,"), (False, "\n")])
def test_which_events_are_off_is_always_said(dedicated, line):
    files = render_all(Provider(), settings(dedicated=dedicated))
    text = files["manager_general.conf"].replace("disabledevents = ", "disabledevents =")
    assert f"disabledevents ={line}" in text
    assert "\n[" not in text
    assert check(files) == []
    files["manager_general.conf"] += "nonsense\n"
    (problem,) = check(files)
    assert "'nonsense' is no setting" in problem.what


def test_changed_files_are_checked_with_what_is_beside_them():
    files = render_all(Provider(), settings())
    names = [name for name in files if "_trunks_" not in name]
    shard = {name: text for name, text in files.items() if "trunk-acme" in text}
    common = {name: files[name] for name in names}
    assert check_change(shard, common) == []
    broken = {name: text.replace("siptrunk-outbound", "nowhere") for name, text in shard.items()}
    assert any("nowhere" in problem.what for problem in check_change(broken, common))
    assert check(files) == []
