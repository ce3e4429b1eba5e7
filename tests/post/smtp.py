"""A mail server on a socket of its own, that behaves as a test wishes: takes letters, refuses, hangs, hangs up."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class Server:
    """What it does at which word of SMTP: an answer instead of the usual one, ``hang`` or ``drop``."""

    port: int = 0
    at: dict[str, str] = field(default_factory=dict)  # "MAIL", "RCPT", "DATA", "BODY", "GREETING" -> answer
    refuses: dict[str, str] = field(default_factory=dict)  # address -> answer to RCPT
    letters: list[EmailMessage] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    released: threading.Event = field(default_factory=threading.Event)  # ends what hangs

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _peer = listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as stream:
            try:
                self._session(stream)
            except (OSError, ValueError, EOFError):
                return

    def _answer(self, stream: object, word: str, usual: str, given: str = "") -> bool:
        """Answer at this word; whether the usual was said."""
        said = given or self.at.get(word, usual)
        if said == "hang":
            self.released.wait(20)
            raise EOFError
        if said == "drop":
            raise EOFError
        stream.write(f"{said}\r\n".encode())  # type: ignore[attr-defined]
        stream.flush()  # type: ignore[attr-defined]
        return said == usual

    def _session(self, stream: object) -> None:
        self._answer(stream, "GREETING", "220 test")
        while line := stream.readline().decode().strip():  # type: ignore[attr-defined]
            word = line.split()[0].upper()
            self.commands.append(line)
            if word in ("EHLO", "HELO", "RSET"):
                self._answer(stream, word, "250 test")
            elif word == "MAIL":
                self._answer(stream, word, "250 OK")
            elif word == "RCPT":
                address = line.partition("<")[2].partition(">")[0]
                self._answer(stream, word, "250 OK", self.refuses.get(address, ""))
            elif word == "DATA":
                if self._answer(stream, word, "354 go on"):
                    body = b""
                    while (part := stream.readline()) != b".\r\n":  # type: ignore[attr-defined]
                        if not part:
                            return
                        body += part
                    if self._answer(stream, "BODY", "250 taken"):
                        self.letters.append(message_from_bytes(body, policy=policy.default))  # type: ignore[arg-type]
            elif word == "QUIT":
                self._answer(stream, word, "221 bye")
                return
            else:
                self._answer(stream, word, "502 what?")


@contextmanager
def serving() -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(listener.getsockname()[1])
        threading.Thread(target=server.serve, args=(listener,), daemon=True).start()
        yield server
        server.released.set()
