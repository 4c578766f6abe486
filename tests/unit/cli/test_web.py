"""`siptrunk web`, up to where the service itself begins."""


def test_no_port_is_told(siptrunk):
    told = siptrunk("web", "serve", fails=1).stderr
    assert "[web] port is 0: say where to serve" in told
    assert "payment_secret in secrets.toml is empty" in told
