"""A certificate that signs itself, for a server on loopback."""

from tests.lab import sandbox

_DAYS = "2"


def self_signed() -> str:
    """A new certificate for 127.0.0.1 and its key, one PEM text; `RuntimeError` where it failed.

    It comes through standard output: `openssl` may live in another root than who reads the file.
    """
    program = sandbox.openssl()
    made = program.place.run(
        *(program.path, "req", "-x509", "-nodes", "-days", _DAYS, "-keyout", "-", "-out", "-"),
        *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
        *("-subj", "/CN=lab", "-addext", "subjectAltName=IP:127.0.0.1"),
    )
    if made.returncode:
        raise RuntimeError(f"openssl made no certificate:\n{made.stderr}")
    return made.stdout
