"""How many sets of prefix codes a lossless WebP brings along (RFC 9649, section 3): a decoder makes tables of all.

Each block of 4 x 4 pixels may have a set of its own, for which libwebp takes some kilobytes: half a gigabyte for a
picture of a megapixel. How large the blocks are stands behind the transforms, so these are read, and nothing else.
"""

from collections.abc import Callable

MOST_TRANSFORMS = 4  # each kind once
FEW = 1000  # sets that are not worth a look
MOST_TOKENS = 30_000  # of the transforms' own pictures: a tenth of a second; encoders write a few thousand
ORDER = (17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)  # of the lengths of the lengths' code
LITERALS, LENGTHS, DISTANCES = 256, 24, 40
PREDICTOR, COLOUR, PALETTE = 0, 1, 3  # transforms with a picture of their own
LOOK = 8  # bits that one step of a code looks at

Symbol = Callable[[], int]


MOST_SETS, SET_BITS = 65_536, 20  # that a decoder makes, and the fewest bits that one takes in the file


def sets(content: bytes, width: int, height: int) -> int:
    """Return how many sets of codes there may be in the stream of a picture of that size, behind its header."""
    most = min(MOST_SETS, blocks(width, height, 2), 8 * len(content) // SET_BITS + 1)
    try:
        return min(most, Reader(content).blocks(width, height)) if most > FEW else most
    except (ValueError, LookupError):  # damaged, or made to be tedious
        return most


class Reader:
    """The bits of a stream."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at, self._tokens = content, 0, 0

    def bits(self, count: int) -> int:
        """Read a number; raise ValueError at the end."""
        start, shift = divmod(self._at, 8)
        self._at += count
        if self._at > 8 * len(self._content):
            raise ValueError("the chunk ends")
        return int.from_bytes(self._content[start : start + 5], "little") >> shift & ((1 << count) - 1)

    def blocks(self, width: int, height: int) -> int:
        """Return how many blocks may have codes of their own; raise ValueError, LookupError."""
        for _ in range(MOST_TRANSFORMS):
            if not self.bits(1):
                break
            width = self._transform(self.bits(2), width, height)
        if self.bits(1):
            self.bits(4)  # the size of the colour cache
        return blocks(width, height, self.bits(3) + 2) if self.bits(1) else 1

    def _transform(self, kind: int, width: int, height: int) -> int:
        """Pass a transform by; return the width that the picture has after it."""
        if kind in {PREDICTOR, COLOUR}:
            self._pass_picture(blocks(width, height, self.bits(3) + 2))
        elif kind == PALETTE:
            colours = self.bits(8) + 1
            self._pass_picture(colours)
            packed = 3 if colours <= 2 else 2 if colours <= 4 else 1 if colours <= 16 else 0  # noqa: PLR2004
            return -(-width // (1 << packed))
        return width

    def _pass_picture(self, pixels: int) -> None:
        """Pass a picture by that has one set of codes."""
        cache = 1 << self.bits(4) if self.bits(1) else 0
        sizes = (LITERALS + LENGTHS + cache, LITERALS, LITERALS, LITERALS, DISTANCES)
        green, red, blue, alpha, distance = (self._code(size) for size in sizes)
        while pixels > 0:
            self._tokens += 1
            if self._tokens > MOST_TOKENS:
                raise ValueError("it would take too long to find out")
            token = green()
            if LITERALS <= token < LITERALS + LENGTHS:
                pixels -= self._number(token - LITERALS)
                self._number(distance())
                continue
            if token < LITERALS:
                red(), blue(), alpha()
            pixels -= 1

    def _number(self, prefix: int) -> int:
        if prefix < 4:  # noqa: PLR2004  (small ones stand for themselves)
            return prefix + 1
        extra = (prefix - 2) >> 1
        return ((2 + (prefix & 1)) << extra) + self.bits(extra) + 1

    def _code(self, size: int) -> Symbol:
        if not self.bits(1):
            return self._decoder(self._lengths(size))
        symbols = self.bits(1) + 1
        first = self.bits(8 if self.bits(1) else 1)
        if symbols == 1:
            return lambda: first
        second = self.bits(8)
        return lambda: second if self.bits(1) else first

    def _lengths(self, size: int) -> list[int]:
        of_lengths = [0] * len(ORDER)
        for index in ORDER[: 4 + self.bits(4)]:
            of_lengths[index] = self.bits(3)
        read = self._decoder(of_lengths)
        left = 2 + self.bits(2 + 2 * self.bits(3)) if self.bits(1) else size
        lengths: list[int] = []
        before = 8
        while len(lengths) < size and left:
            left -= 1
            length = read()
            if length < 16:  # noqa: PLR2004
                lengths.append(length)
                before = length or before
            else:
                bits, least, repeated = {16: (2, 3, before), 17: (3, 3, 0), 18: (7, 11, 0)}[length]
                lengths += [repeated] * (least + self.bits(bits))
        return (lengths + [0] * size)[:size]

    def _decoder(self, lengths: list[int]) -> Symbol:
        """Return what reads one symbol of a canonical code; its first bits say most of them."""
        used = sorted((length, symbol) for symbol, length in enumerate(lengths) if length)
        if len(used) == 1:
            only = used[0][1]
            return lambda: only
        short: list[tuple[int, int]] = [(0, 0)] * (1 << LOOK)
        long: dict[tuple[int, int], int] = {}
        code = before = 0
        for length, symbol in used:
            code <<= length - before
            turned = int(f"{code:0{length}b}"[::-1], 2)
            if length <= LOOK:
                for high in range(1 << (LOOK - length)):
                    short[turned | high << length] = (length, symbol)
            else:
                long[length, turned] = symbol
            code, before = code + 1, length

        def read() -> int:
            start, shift = divmod(self._at, 8)
            ahead = int.from_bytes(self._content[start : start + 4], "little") >> shift
            length, symbol = short[ahead & ((1 << LOOK) - 1)]
            if not length:
                length = next((n for n in range(LOOK + 1, 17) if (n, ahead & ((1 << n) - 1)) in long), 0)
                symbol = long[length, ahead & ((1 << length) - 1)]
            self.bits(length)
            return symbol

        return read


def blocks(width: int, height: int, bits: int) -> int:
    """Return how many blocks of 2^bits pixels a side there are."""
    return -(-width // (1 << bits)) * -(-height // (1 << bits))
