"""The message catalogues in translations/, kept in line with the source.

    python scripts/translations.py update     extract, merge into ru, kk and en; tells what is left to translate
    python scripts/translations.py check      exit 1 and a list when anything is missing, empty, fuzzy or unused,
                                              or its placeholders differ

The rules are in app/kernel/catalogues.py; compiled catalogues are made by the application when it starts.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "translations"


def main(arguments: list[str]) -> int:
    sys.path.insert(0, str(ROOT))
    from app.kernel import catalogues

    if arguments == ["update"]:
        left = catalogues.update(FOLDER, ROOT)
        for language, messages in left.items():
            print(f"{language}: {len(messages)} to translate", *messages, sep="\n    ")
        return 0
    if arguments == ["check"]:
        faults = catalogues.faults(FOLDER, ROOT)
        print("\n".join(faults) or "The catalogues are complete.")
        return 1 if faults else 0
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
