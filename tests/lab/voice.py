"""Voice on loopback: what makes Asterisk do to a call what it does only once people talk."""

from __future__ import annotations

import re
import socket
import struct
import threading
from typing import TYPE_CHECKING

from tests.lab.processes import Running

if TYPE_CHECKING:
    from tests.lab.sipp import SippCall

FRAME_SECONDS = 0.02
_PCMA, _VERSION_2 = 8, 0x80
_SAMPLES = 160
_SILENCE = bytes([0xD5]) * _SAMPLES
_LONGEST_PACKET = 2048


class Voice(Running):
    """One side's voice as RTP (RFC 3550), as a context manager; it also hears the other side."""

    def __init__(self, host: str) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._socket.settimeout(FRAME_SECONDS)
        self._heard = 0
        self._news = threading.Condition()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._listen)]

    @property
    def port(self) -> int:
        """Where it hears, for an SDP."""
        return int(self._socket.getsockname()[1])

    def speak_in(self, call: SippCall) -> None:
        """Speak to where the answer of a call of ours says."""
        answer = next(m for m in call.messages if m.status and "m=audio" in m.body)
        host, port = (
            re.findall(pattern, answer.body)[0] for pattern in (r"c=IN IP4 (\S+)", r"m=audio (\d+)")
        )
        self._threads.append(threading.Thread(target=self._speak, args=((host, int(port)),)))
        self._threads[-1].start()

    def until_heard(self, seconds: float, patience: float = 10.0) -> None:
        """Wait until that much more voice has come through; `TimeoutError` when it does not."""
        with self._news:
            wanted = self._heard + seconds / FRAME_SECONDS
            if not self._news.wait_for(lambda: self._heard >= wanted, patience):
                raise TimeoutError(f"heard {self._heard} frames of {wanted:.0f}")

    def _listen(self) -> None:
        while not self._over.is_set():
            try:
                self._socket.recv(_LONGEST_PACKET)
            except TimeoutError:
                continue
            with self._news:
                self._heard += 1
                self._news.notify_all()

    def _speak(self, address: tuple[str, int]) -> None:
        number = 0
        while not self._over.wait(FRAME_SECONDS):
            header = struct.pack(
                ">BBHII", _VERSION_2, _PCMA, number % 65_536, number * _SAMPLES, 0x7A11
            )
            self._socket.sendto(header + _SILENCE, address)
            number += 1

    def begin(self) -> None:
        """Begin to listen."""
        self._threads[0].start()

    def close(self) -> None:
        """End it."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._socket.close()
