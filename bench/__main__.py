"""``python -m bench [what [seconds]]``: run the measurements named, or all."""

import sys
from collections.abc import Callable

from bench import builtin, freeswitch, office

BENCHES: dict[str, Callable[[list[str]], int]] = {
    "builtin": builtin.main,
    "office": office.main,
    "freeswitch": freeswitch.main,
}


def main() -> int:
    """Run them; 0 unless one could not be taken."""
    names = sys.argv[1:2] or list(BENCHES)
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"There is no bench {unknown[0]!r}; there are: {', '.join(BENCHES)}.", file=sys.stderr)
        return 2
    return max(BENCHES[name](sys.argv[2:]) for name in names)


if __name__ == "__main__":
    raise SystemExit(main())
