"""The two commands of «Рядом», on nothing but Python.

    python3 run.py [--demo] [--port 8081 …]     prepare everything and start the server
    python3 run.py test [pytest's arguments]    prepare everything and run the tests
    python3 run.py COMMAND …                    any other command of `ryadom`; `--help` lists them

``--install-only`` before the other arguments, or after ``test``, stops when all is prepared.

What is prepared is a virtual environment in .venv beside this file, from the locked requirements. A note
in it tells what is installed already, so the next start goes straight on.
"""

import sys

# Said before anything below can fail, and in words that an old Python still parses.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        "Нужен Python 3.11 или новее, а это Python %d.%d.\n" % sys.version_info[:2]  # noqa: UP031
        + "Установите новый и запустите им, например: python3.12 run.py"
    )

import hashlib
import importlib.util
import json
import os
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
NOTE = VENV / "installed.json"

# An environment remembers where it lies and which Python it was made by, and works with no other.
HOME = "{}.{} {}".format(*sys.version_info[:2], VENV)
OFFLINE = (
    "NewConnectionError",
    "NameResolutionError",
    "ConnectTimeoutError",
    "ProxyError",
    "getaddrinfo failed",
)


def main(arguments: list[str]) -> int:
    testing = arguments[:1] == ["test"]
    arguments = arguments[testing:]
    install_only = arguments[:1] == ["--install-only"]
    prepare(testing)
    if install_only:
        return 0
    if testing:
        os.chdir(ROOT)
        return become([PYTHON, "-m", "pytest", *arguments])
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help")):
        arguments = ["serve", *arguments]
    return become([BIN / "ryadom", *arguments])


def prepare(testing: bool) -> None:
    """Install what is not installed yet. Each step is noted when it is done, so a broken one is repeated."""
    done = noted()
    if done.get("home") != HOME or not PYTHON.exists():
        if not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
            stop(
                "В этом Python нет модуля venv. В Debian и Ubuntu его ставит команда\n"
                "    sudo apt install python3-venv\n"
                "После неё запустите ту же команду ещё раз."
            )
        say("Готовлю место для программы (.venv)…")
        call([sys.executable, "-m", "venv", "--clear", VENV])
        done = note({"home": HOME})

    steps = [
        (
            "Устанавливаю программу; в первый раз это около минуты…",
            "program",
            "requirements.txt",
            "pyproject.toml",
        ),
        ("Устанавливаю то, что нужно для проверок…", "tests", "requirements-test.txt"),
    ]
    for words, name, lock, *more in steps if testing else steps[:1]:
        mark = digest(ROOT / file for file in (lock, *more))
        if done.get(name) == mark:
            continue
        say(words)
        pip("install", "-r", ROOT / lock)
        if name == "program":
            pip("install", "--no-deps", "-e", ROOT)
        done = note(done | {name: mark})


def noted() -> dict[str, str]:
    try:
        return dict(json.loads(NOTE.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def note(done: dict[str, str]) -> dict[str, str]:
    aside = NOTE.with_suffix(".new")
    aside.write_text(json.dumps(done), encoding="utf-8")
    aside.replace(NOTE)
    return done


def digest(files: Iterable[Path]) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def pip(*arguments: str | Path) -> None:
    call(
        [
            PYTHON,
            "-m",
            "pip",
            "--quiet",
            "--no-input",
            "--disable-pip-version-check",
            "--retries=2",
            *arguments,
        ]
    )


def call(command: list[str | Path]) -> None:
    """Run quietly; if that fails, say why in plain words and leave."""
    run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if run.returncode == 0:
        return
    output = run.stdout.decode(errors="replace").strip()
    if any(sign in output for sign in OFFLINE):
        stop(
            "Нет связи с каталогом пакетов Python. Первому запуску нужен интернет, дальнейшим — нет.\n"
            "Проверьте соединение (или прокси: HTTPS_PROXY) и запустите ту же команду ещё раз."
        )
    stop("\n".join(output.splitlines()[-15:]) + "\n\nУстановка не удалась. Сделанное сохранено: повторите запуск.")


def become(command: list[str | Path]) -> int:
    """Hand this process over to the command. Windows cannot, so there it is waited for."""
    words = [str(word) for word in command]
    if os.name != "nt":
        sys.stderr.flush()
        os.execv(words[0], words)
    with subprocess.Popen(words) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # the console has sent it to the command too, which is closing
                time.sleep(0.1)


def say(words: str) -> None:
    # stderr: it shows at once, and a console that lacks Cyrillic gets escapes instead of an error.
    print(words, file=sys.stderr)


def stop(words: str) -> None:
    say(words)
    sys.exit(1)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUTF8", "1")  # Windows still has other defaults for files and pipes
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
