"""AGI headers as Asterisk 22 writes them; a value can be replaced by its key.

The channel of another trunk comes with its account code.
"""

_COMMON = {
    "agi_channel": "PJSIP/trunk-acme-00000000",
    "agi_language": "en",
    "agi_type": "PJSIP",
    "agi_uniqueid": "lab-1.1",
    "agi_version": "22.10.1+dfsg+~cs6.17.60671434-1",
    "agi_callerid": "+33123456789",
    "agi_calleridname": "unknown",
    "agi_callingpres": "0",
    "agi_callingani2": "0",
    "agi_callington": "0",
    "agi_callingtns": "0",
    "agi_dnid": "0612345678",
    "agi_rdnis": "unknown",
    "agi_context": "siptrunk-call-out",
    "agi_extension": "0612345678",
    "agi_priority": "2",
    "agi_enhanced": "0.0",
    "agi_accountcode": "acme",
    "agi_threadid": "139969464633024",
}
ASKED = 1_795_435_200
_ARGUMENTS = ("0612345678", "abc@192.0.2.1", "PBX 1.2", str(ASKED))


def fastagi_header(*, script: str = "outbound", **changed: str) -> bytes:
    first = {
        "agi_network": "yes",
        "agi_network_script": script,
        "agi_request": f"agi://127.0.0.1:4573/{script}",
    }
    arguments = {f"agi_arg_{index}": text for index, text in enumerate(_ARGUMENTS, start=1)}
    return _written(first | _COMMON | arguments | _of_trunk(changed))


def process_header(*, script: str = "outbound", **changed: str) -> bytes:
    all_arguments = ("/srv/siptrunk_agi.py", "/etc/siptrunk/siptrunk.toml", script, *_ARGUMENTS)
    arguments = {f"agi_arg_{index}": text for index, text in enumerate(all_arguments, start=1)}
    request = {"agi_request": "/usr/bin/python3"}
    return _written(request | _COMMON | arguments | _of_trunk(changed))


def _of_trunk(changed: dict[str, str]) -> dict[str, str]:
    account = changed.get("agi_accountcode", "acme")
    return {"agi_channel": f"PJSIP/trunk-{account}-00000000"} | changed


def _written(values: dict[str, str]) -> bytes:
    return "".join(f"{key}: {value}\n" for key, value in values.items()).encode() + b"\n"
