"""A certificate of the tests' own."""

import pytest

from tests.lab.certificate import self_signed


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """The file of a certificate for 127.0.0.1 and its key; nobody trusts it."""
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    file.write_text(self_signed())
    return file


@pytest.fixture
def trusted(certificate, monkeypatch):
    """The same, trusted by this process."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return certificate
