"""On which line of a TOML text each key and list item stands.

Only for text that tomllib has accepted: no error is looked for here. tomllib keeps no positions.
"""

import re

Path = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_SCALAR = re.compile(r"[^,\]}#\r\n]+")
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


def lines_of(text: str) -> dict[Path, int]:
    """Line numbers from 1 by path, such as ``("business", 0, "numbers", 1)``; tables by their header's line."""
    scanner = _Scanner(text.replace("\r\n", "\n"))
    scanner.document()
    return scanner.found


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Path, int] = {}
        self._counted = (0, 1)
        self._tables: dict[Path, int] = {}  # arrays of tables: how many items there are

    def _line(self) -> int:
        position, line = self._counted
        line += self.text.count("\n", position, self.at)
        self._counted = (self.at, line)
        return line

    def _note(self, path: Path) -> None:
        self.found.setdefault(path, self._line())

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            return ""
        self.at = match.end()
        return match.group()

    def _peek(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    def _take(self, text: str) -> bool:
        if self._peek(text):
            self.at += len(text)
            return True
        return False

    def document(self) -> None:
        table: Path = ()
        self._skip(_BLANK)
        while self.at < len(self.text):
            if self._take("[["):
                table = self._header("]]", repeated=True)
            elif self._take("["):
                table = self._header("]", repeated=False)
            else:
                self._pair(table)
            self._skip(_BLANK)

    def _header(self, end: str, *, repeated: bool) -> Path:
        keys = self._keys()
        self._take(end)
        path: Path = ()
        for key in keys[:-1]:
            path = (*path, key)
            self._note(path)
            if path in self._tables:
                path = (*path, self._tables[path] - 1)
        path = (*path, keys[-1])
        self._note(path)
        if repeated:
            index = self._tables.get(path, 0)
            self._tables[path] = index + 1
            path = (*path, index)
            self._note(path)
        return path

    def _pair(self, table: Path) -> None:
        start = self.at
        keys = self._keys()
        after, self.at = self.at, start
        path = table
        for key in keys:
            path = (*path, key)
            self._note(path)
        self.at = after
        self._take("=")
        self._skip(_SPACE)
        self._value(path)

    def _keys(self) -> list[str]:
        keys = []
        while True:
            self._skip(_SPACE)
            keys.append(self._string() if self._peek('"') or self._peek("'") else self._skip(_BARE))
            self._skip(_SPACE)
            if not self._take("."):
                return keys

    def _value(self, path: Path) -> None:
        if self._peek('"') or self._peek("'"):
            self._string()
        elif self._take("["):
            self._array(path)
        elif self._take("{"):
            self._inline_table(path)
        else:
            self._skip(_SCALAR)

    def _array(self, path: Path) -> None:
        index = 0
        self._skip(_BLANK)
        while self.at < len(self.text) and not self._take("]"):
            self._note((*path, index))
            self._value((*path, index))
            index += 1
            self._skip(_BLANK)
            self._take(",")
            self._skip(_BLANK)

    def _inline_table(self, path: Path) -> None:
        self._skip(_BLANK)
        while self.at < len(self.text) and not self._take("}"):
            self._pair(path)
            self._skip(_BLANK)
            self._take(",")
            self._skip(_BLANK)

    def _string(self) -> str:
        for quote in ('"""', "'''", '"', "'"):
            if self._take(quote):
                break
        letters = []
        while self.at < len(self.text):
            if self._take(quote):
                while len(quote) == 3 and self._take(quote[0]):  # up to two quotes may stand before the end
                    pass
                break
            letter = self.text[self.at]
            self.at += 1
            letters.append(self._escape() if letter == "\\" and quote[0] == '"' else letter)
        return "".join(letters)

    def _escape(self) -> str:
        letter = self.text[self.at]
        self.at += 1
        if letter in "uU":
            width = 4 if letter == "u" else 8
            code, self.at = self.text[self.at : self.at + width], self.at + width
            return chr(int(code, 16))
        return _ESCAPES.get(letter, letter)
