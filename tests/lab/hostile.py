"""A PBX that sends what no PBX would: each part of its INVITE in bytes of the test's own."""

from __future__ import annotations

import hashlib
import re
import secrets
import socket
from dataclasses import dataclass, field
from itertools import count
from typing import Self

LONGEST_ANSWER = 65_535
SECONDS = 1.0
"""For an answer; what is too broken for any gets none."""

_INVITE = (
    b"INVITE sip:%(user)s@%(target)s%(parameters)s SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP %(here)s;branch=z9hG4bK%(branch)s\r\n"
    b"From: %(name)s<sip:%(caller)s@%(here)s>;tag=%(tag)s\r\n"
    b"To: %(to_name)s<sip:%(to)s@%(target)s>\r\n"
    b"Call-ID: %(call_id)s\r\n"
    b"CSeq: %(cseq)d INVITE\r\n"
    b"Contact: <sip:%(contact)s@%(here)s>\r\n"
    b"Max-Forwards: 70\r\n"
    b"User-Agent: %(user_agent)s\r\n"
    b"%(headers)s"
    b"Content-Type: application/sdp\r\n"
    b"Content-Length: %(length)d\r\n\r\n"
)
_LATER = (
    b"%(method)s %(uri)s SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP %(here)s;branch=z9hG4bK%(branch)s\r\n"
    b"From: %(from)s\r\nTo: %(to)s\r\nCall-ID: %(call_id)s\r\nCSeq: %(cseq)d %(method)s\r\n"
    b"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)
_SDP = (
    b"v=0\r\no=- 1 1 IN IP4 %(host)s\r\ns=-\r\nc=IN IP4 %(host)s\r\nt=0 0\r\n"
    b"m=audio 4000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
)


@dataclass(frozen=True)
class Fields:
    """What the attacker writes; the rest is as any PBX has it."""

    user: bytes = b"0612345678"
    caller: bytes = b"+33123456789"
    name: bytes = b""
    to: bytes = b"0612345678"
    to_name: bytes = b""
    call_id: bytes = field(default_factory=lambda: secrets.token_hex(8).encode())
    contact: bytes = b"pbx"
    user_agent: bytes = b"hostile"
    branch: bytes = field(default_factory=lambda: secrets.token_hex(8).encode())
    tag: bytes = b"t"
    parameters: bytes = b""
    headers: tuple[bytes, ...] = ()


class HostilePbx:
    """Calls with a trunk's credentials, one call after another, from an address of the loopback."""

    def __init__(self, target: str, host: str, username: str, password: str) -> None:
        self._target = target.encode()
        self._credentials = username, password
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._socket.settimeout(SECONDS)
        address, _, port = target.rpartition(":")
        self._peer = address, int(port)
        self._host = host.encode()
        self._here = b"%s:%d" % (self._host, self._socket.getsockname()[1])
        self._cseq = count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def call(self, fields: Fields) -> int:
        """Call, hang up at once where it was answered; its final status, 0 for no answer at all."""
        status, answer = self._invite(fields)
        if status in {401, 407}:
            status, answer = self._invite(fields, self._authorization(answer))
        if status == 200:
            self._send_later(b"ACK", fields, answer)
            self._send_later(b"BYE", fields, answer)
            self._final(b"BYE", fields)
        return status

    def _invite(self, fields: Fields, *more: bytes) -> tuple[int, bytes]:
        body = _SDP % {b"host": self._host}
        cseq = next(self._cseq)
        values = {
            **{key.encode(): value for key, value in vars(fields).items()},
            b"target": self._target,
            b"here": self._here,
            b"cseq": cseq,
            b"branch": fields.branch + b"%d" % cseq,
            b"length": len(body),
            b"headers": b"".join(line + b"\r\n" for line in (*fields.headers, *more)),
        }
        self._socket.sendto(_INVITE % values + body, self._peer)
        status, answer = self._final(b"INVITE", fields)
        if status and status != 200:
            self._send_later(b"ACK", fields, answer, branch=fields.branch + b"%d" % cseq)
        return status, answer

    def _final(self, method: bytes, fields: Fields) -> tuple[int, bytes]:
        """The final answer to a request of this call; what belongs to others is passed over."""
        try:
            while True:
                answer = self._socket.recv(LONGEST_ANSWER)
                found = re.match(rb"SIP/2\.0 (\d{3})", answer)
                mine = fields.call_id in answer and b" " + method in _header(answer, b"CSeq")
                if found and mine and found[1] >= b"200":
                    return int(found[1]), answer
        except TimeoutError:
            return 0, b""

    def _send_later(
        self, method: bytes, fields: Fields, answer: bytes, branch: bytes = b""
    ) -> None:
        contact = re.search(rb"<([^>]*)>", _header(answer, b"Contact"))
        cseq = int(_header(answer, b"CSeq").split()[0])
        values = {
            b"method": method,
            b"uri": contact[1] if contact else b"sip:" + self._target,
            b"here": self._here,
            b"branch": branch or secrets.token_hex(8).encode(),
            b"from": _header(answer, b"From"),
            b"to": _header(answer, b"To"),
            b"call_id": fields.call_id,
            b"cseq": cseq + (method == b"BYE"),
        }
        self._socket.sendto(_LATER % values, self._peer)

    def _authorization(self, challenge: bytes) -> bytes:
        """The answer to a challenge, RFC 2617 with MD5."""
        asked = next(
            line
            for line in challenge.split(b"\r\n")
            if line.startswith((b"WWW-Authenticate", b"Proxy-Authenticate")) and b"MD5" in line
        )
        part = dict(re.findall(rb'(\w+)="([^"]*)"', asked))
        username, password = (text.encode() for text in self._credentials)
        uri = b"sip:" + self._target
        mine = _md5(username, part[b"realm"], password)
        response = _md5(mine, part[b"nonce"], b"1".zfill(8), b"c", b"auth", _md5(b"INVITE", uri))
        return (
            b'Authorization: Digest username="%s", realm="%s", nonce="%s", uri="%s", '
            b'algorithm=MD5, qop=auth, nc=00000001, cnonce="c", response="%s", opaque="%s"'
            % (username, part[b"realm"], part[b"nonce"], uri, response, part.get(b"opaque", b""))
        )


def _header(message: bytes, name: bytes) -> bytes:
    found = re.search(rb"(?im)^" + name + rb"\s*: *(.*?)\r$", message)
    return found[1] if found else b""


def _md5(*parts: bytes) -> bytes:
    return hashlib.md5(b":".join(parts), usedforsecurity=False).hexdigest().encode()
