"""A second decoder of batches and blocks, written from proto/WIRE.md alone; standard library only.

    python3 decode.py FOLDER          checks every vector of FOLDER/manifest.json; exit code 1 if one differs
    python3 decode.py --batch FILE    prints a batch as JSON
    python3 decode.py --block FILE    prints a packed block as JSON
"""
import json
import os
import struct
import sys


class Refused(Exception):
    """The bytes are not good; the argument is the reason of WIRE.md, "Refusals"."""


# WIRE.md, "Code tables": class -> (R, D0, D1)
CODES = [
    ("2344455555662", "4467777713666766555770", "3546464633344567667770"),
    ("1344555556774", "6567878831687864454680", "4545868841644668588880"),
    ("1334456677775", "1255667766676777776770", "2145667677677777777880"),
    ("1235667777776", "2234556655566677766670", "2324455577556677777880"),
    ("1245556677775", "4455556645252777675770", "3444455576243667777880"),
    (None, "5555555676253567777882", None),
    (None, "5555565565343456677772", None),
]


def prefix_code(lengths):
    """(length, code) -> symbol, the code's first bit highest."""
    table, code = {}, 0
    for length in range(1, 9):
        for symbol, digit in enumerate(lengths or ""):
            if int(digit) == length:
                table[length, code] = symbol
                code += 1
        code <<= 1
    return table


TABLES = [tuple(prefix_code(lengths) for lengths in row) for row in CODES]


class Bits:
    """A stream of bits, the first in the lowest place."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def bit(self):
        if self.at >= 8 * len(self.data):
            raise Refused("Malformed")
        value = self.data[self.at >> 3] >> (self.at & 7) & 1
        self.at += 1
        return value

    def number(self, count):
        return sum(self.bit() << i for i in range(count))

    def symbol(self, table):
        code = 0
        for length in range(1, 9):
            code = code << 1 | self.bit()
            if (length, code) in table:
                return table[length, code]
        raise Refused("Malformed")

    def zeros(self, most):
        count = 0
        while not self.bit():
            count += 1
            if count > most:
                raise Refused("Malformed")
        return count

    def exp_golomb(self, k, most):
        n = self.zeros(most)
        quotient = 1 << n | self.number(n)
        return (quotient - 1) << k | self.number(k)

    def end(self):
        rest = 8 * len(self.data) - self.at
        if rest >= 8 or self.number(rest) != 0:
            raise Refused("Malformed")


class Input:
    def __init__(self, data):
        self.data, self.at = data, 0

    def byte(self):
        return self.take(1)[0]

    def take(self, count):
        if count > len(self.data) - self.at:
            raise Refused("Malformed")
        self.at += count
        return self.data[self.at - count:self.at]

    def varint(self):
        value = 0
        for i in range(10):
            b = self.byte()
            value |= (b & 127) << 7 * i
            if b < 128:
                if value >> 64:
                    raise Refused("Malformed")
                return value
        raise Refused("Malformed")

    @property
    def left(self):
        return len(self.data) - self.at


def wrap(value, bits):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def unzigzag(code):
    return code >> 1 if code & 1 == 0 else -(code >> 1) - 1


def integers(bits, count, width, last, is_timeline):
    """The tokens of an integer column, or of a timeline when is_timeline."""
    rows, other, mean, falling = [], 0, 16, False
    level = 0 if is_timeline else last
    while len(rows) < count:
        b = mean.bit_length()
        cls = max(0, b - 3)
        run, is_swap, is_zero = 0, False, False
        if cls <= 6:
            run_table, after_run, adjacent = TABLES[cls]
            table = after_run
            if cls <= 4:
                symbol = bits.symbol(run_table)
                if symbol == 12:
                    rows += [level] * min(64, count - len(rows))
                    mean = 0
                    continue
                extra = max(0, (symbol - 4) // 2 + 1)
                run = symbol if symbol < 4 else (2 | symbol & 1) << extra | bits.number(extra)
                if run >= count - len(rows):
                    raise Refused("Malformed")
                if run == 0:
                    table = adjacent
            rows += [level] * run
            symbol = bits.symbol(table)
            if symbol < 8:
                negative = falling != bool(symbol & 1)
                d = -(symbol // 2 + 1) if negative else symbol // 2 + 1
            elif symbol < 10:
                y = 0
                if symbol == 9:
                    negative = bits.bit()
                    y = bits.exp_golomb(2, 12) + 1
                    y = -y if negative else y
                is_swap = True
                d = wrap(wrap(other + y, width) - level, width)
            elif symbol < 20:
                extra = (symbol - 10) // 2 + 1
                negative = bits.bit()
                a = ((2 | symbol & 1) << extra | bits.number(extra)) + 1
                d = -a if negative else a
            elif symbol == 20:
                d = far(bits, width)
            else:
                d, is_zero = 0, True
        else:
            q = bits.zeros(10)
            if q == 10:
                d = far(bits, width)
            else:
                c = q << (b - 6) | bits.number(b - 6)
                d = (c + 1) // 2 if c & 1 else -(c // 2)
                is_zero = d == 0
        before = level
        value = d if is_timeline else wrap(level + d, width)
        rows.append(value)
        if not is_timeline:
            level = value
        a = abs(d)
        if is_swap or a >= 16:
            other = value if is_timeline else before
        if not is_zero:
            falling = d < 0
        mean >>= run
        x = 0 if is_swap else min(32 * min(a, 1 << 22), 4 * mean + 128)
        mean = (mean + x) // 2
    bits.end()
    return rows


def far(bits, width):
    negative = bits.bit()
    n = bits.number(6)
    if n >= width:
        raise Refused("Malformed")
    a = 1 << n | bits.number(n)
    return -a if negative else a


def integer_column(data, rows, width):
    bits = Bits(data)
    first = unzigzag(bits.exp_golomb(7, 57 if width == 64 else 25))
    if first != wrap(first, width):
        raise Refused("Malformed")
    return [first] + integers(bits, rows - 1, width, first, False)


def level_column(data, rows):
    bits = Bits(data)
    value = unzigzag(bits.exp_golomb(7, 25))
    if value != wrap(value, 32):
        raise Refused("Malformed")
    out, level, mean = [value], wrap(8 * value, 32), 64
    while len(out) < rows:
        k = (mean // 8).bit_length()
        q = bits.zeros(10)
        if q == 10:
            d = far(bits, 32)
        else:
            c = q << k | bits.number(k)
            d = (c + 1) // 2 if c & 1 else -(c // 2)
        out.append(wrap(level // 8 + d, 32))
        level = wrap(level + d, 32)
        mean += min(abs(d), 1 << 22) - mean // 8
    bits.end()
    return out


def real_column(data, rows):
    if len(data) < 8:
        raise Refused("Malformed")
    bits, value = Bits(data), struct.unpack("<Q", data[:8])[0]
    bits.at, out, m, shift = 64, [value], 0, 0
    while len(out) < rows:
        run = bits.exp_golomb(0, 12)
        if run > rows - len(out):
            raise Refused("Malformed")
        out += [value] * run
        if len(out) == rows:
            break
        if bits.bit():
            leading = bits.number(6)
            m = bits.number(6) + 1
            shift = 64 - leading - m
            if shift < 0:
                raise Refused("Malformed")
        if m == 0:
            raise Refused("Malformed")
        value ^= bits.number(m) << shift
        out.append(value)
    bits.end()
    return out


def quality_rows(data, rows, mask):
    bits, out = Bits(data), [mask]
    while len(out) < rows:
        run = bits.exp_golomb(0, 12)
        if run > rows - len(out):
            raise Refused("Malformed")
        out += [mask] * run
        if len(out) == rows:
            break
        mask ^= bits.number(3)
        out.append(mask)
    bits.end()
    return out


def packed_block(data):
    source = Input(data)
    flags = source.byte()
    if flags & 7 not in (1, 3):
        raise Refused("UnsupportedVersion")
    rows, columns, start, period = source.varint(), source.byte(), source.varint(), source.varint()
    if rows == 0 or columns == 0:
        raise Refused("Malformed")
    start *= 1000 if flags & 64 else 1
    if rows > 4096 or columns > 64 or start > 1 << 48 or period >= 1 << 31:
        raise Refused("LimitExceeded")
    unit = 1000 if flags & 32 else 1
    if flags & 8:
        if rows < 3:
            raise Refused("Malformed")
        residuals = integers(Bits(source.take(source.varint())), rows - 2, 32, 0, True)
        times, usual, last = [start, start + period * unit], period, period
        for residual in residuals:
            step = wrap(usual + residual, 32)
            if step < 0:
                raise Refused("Malformed")
            usual = step if step == last else usual
            last = step
            times.append(times[-1] + step * unit)
    else:
        times = [start + i * period * unit for i in range(rows)]
    quality = []
    if flags & 16:
        mask = source.byte()
        if mask > 15:
            raise Refused("Malformed")
        quality = quality_rows(source.take(source.varint()), rows, mask & 7) if mask & 8 else [mask] * rows
    signal, out = 0, []
    if not flags & 128:
        first = source.varint()
        if not 1 <= first <= 65535:
            raise Refused("Malformed")
        signal = first - 1
    for column in range(columns):
        descriptor = source.varint() if flags & 128 else 0
        if descriptor >> 2 >= 65535:
            raise Refused("Malformed")
        signal += (descriptor >> 2) + 1
        if signal > 65535:
            raise Refused("Malformed")
        stream = source.take(source.varint() if column < columns - 1 else source.left)
        kind = descriptor & 3
        if kind == 3 and flags & 7 == 1:
            raise Refused("Malformed")
        if kind == 3:
            out.append({"signal": signal, "integers": level_column(stream, rows)})
        elif kind == 2:
            out.append({"signal": signal, "reals": ["%016x" % bits for bits in real_column(stream, rows)]})
        else:
            out.append({"signal": signal, "integers": integer_column(stream, rows, 64 if kind else 32)})
    return {"timesMs": times, "quality": quality, "columns": out}


def fields(data):
    """(number, wire type, value) of a message, in ascending order."""
    source, before = Input(data), 0
    while source.left:
        tag = source.varint()
        number, kind = tag >> 3, tag & 7
        if tag >> 32 or number < 1 or number < before or kind not in (0, 1, 2, 5):
            raise Refused("Malformed")
        before = number
        if kind == 0:
            value = source.varint()
        elif kind == 2:
            value = source.take(source.varint())
        else:
            value = int.from_bytes(source.take(8 if kind == 1 else 4), "little")
        yield number, kind, value


def message(data, single, repeated=()):
    """Fields by number; single: number -> (wire type, most)."""
    out = {number: [] for number in repeated}
    for number, kind, value in fields(data):
        if number in single:
            if number in out or kind != single[number][0]:
                raise Refused("Malformed")
            if kind != 2 and value > single[number][1]:
                raise Refused("LimitExceeded")
            out[number] = value
        elif number in repeated:
            if kind != 2:
                raise Refused("Malformed")
            out[number].append(value)
    return out


def varints(data):
    source, out = Input(data), []
    while source.left:
        out.append(source.varint())
    return out


def plain_block(data):
    top = message(data, {1: (0, 1 << 48), 2: (0, (1 << 32) - 1), 3: (2, 0), 4: (0, 4096), 6: (2, 0)}, (5,))
    rows, period = top.get(4, 0), top.get(2, 0)
    steps = varints(top.get(3, b""))
    if rows == 0 or not top[5] or any(step >> 32 for step in steps) or len(steps) != (rows - 1 if period == 0 else 0):
        raise Refused("Malformed")
    if len(top[5]) > 64:
        raise Refused("LimitExceeded")
    times = [top.get(1, 0)]
    for i in range(rows - 1):
        times.append(times[-1] + (period or steps[i]))
    columns, before = [], 0
    for part in top[5]:
        column = message(part, {1: (0, 65535), 2: (2, 0), 3: (2, 0)})
        signal, deltas, reals = column.get(1, 0), column.get(2, b""), column.get(3, b"")
        if signal <= before or bool(deltas) == bool(reals):
            raise Refused("Malformed")
        before = signal
        if reals:
            if len(reals) != 8 * rows:
                raise Refused("Malformed")
            columns.append({"signal": signal, "reals": ["%016x" % bits for bits in struct.unpack("<%dQ" % rows, reals)]})
            continue
        values, value = [], 0
        for code in varints(deltas):
            value = wrap(value + unzigzag(code), 64)
            values.append(value)
        if len(values) != rows:
            raise Refused("Malformed")
        columns.append({"signal": signal, "integers": values})
    quality = list(top.get(6, b""))
    if quality and (len(quality) != rows or max(quality) > 7):
        raise Refused("Malformed")
    return {"timesMs": times, "quality": quality, "columns": columns}


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def batch(data):
    if len(data) > 262144:
        raise Refused("TooLarge")
    if len(data) < 5 or data[-5] != 0x7D:
        raise Refused("Malformed")
    body = data[:-5]
    if crc32c(body) != int.from_bytes(data[-4:], "little"):
        raise Refused("ChecksumMismatch")
    top = {"losses": [], "slices": []}
    for number, kind, value in fields(body):
        names = {1: ("epoch", 5, (1 << 32) - 1), 2: ("seq", 0, (1 << 63) - 1), 3: ("boot", 0, (1 << 32) - 1), 4: ("profile", 5, (1 << 32) - 1)}
        if number in names:
            name, expected, most = names[number]
            if kind != expected or name in top:
                raise Refused("Malformed")
            if value > most:
                raise Refused("LimitExceeded")
            top[name] = value
        elif number == 5:
            if kind != 2 or "clock" in top:
                raise Refused("Malformed")
            clock = message(value, {1: (0, 1 << 48), 2: (0, 1 << 48), 3: (0, (1 << 32) - 1), 4: (0, (1 << 31) - 1)})
            top["clock"] = [clock.get(i, 0) for i in (1, 2, 3, 4)]
        elif number == 6:
            if len(top["losses"]) == 256:
                raise Refused("LimitExceeded")
            if kind != 2:
                raise Refused("Malformed")
            loss = message(value, {1: (0, 65535), 2: (0, (1 << 31) - 1), 3: (0, (1 << 63) - 1)})
            top["losses"].append([loss.get(i, 0) for i in (1, 2, 3)])
        elif number in (7, 8):
            if kind != 2 or not value:
                raise Refused("Malformed")
            if len(top["slices"]) == 1024:
                raise Refused("LimitExceeded")
            top["slices"].append((number, value))
        elif number >= 15:
            raise Refused("Malformed")
    if not all(top.get(name) for name in ("epoch", "seq", "boot", "profile")) or "clock" not in top:
        raise Refused("Malformed")
    top["blocks"] = [packed_block(value) if number == 7 else plain_block(value) for number, value in top.pop("slices")]
    return top


READERS = {"batch": batch, "block": packed_block, "plain": plain_block}


def check(folder):
    with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as file:
        manifest = json.load(file)
    wrong = 0
    for vector in manifest["vectors"]:
        with open(os.path.join(folder, vector["file"]), "rb") as file:
            data = file.read()
        reason, content = "None", None
        try:
            content = READERS[vector["type"]](data)
        except Refused as refused:
            reason = str(refused)
        if reason != vector["reason"] or content != vector.get("content"):
            wrong += 1
            print("%s: %s, expected %s%s" % (vector["file"], reason, vector["reason"], "" if reason != vector["reason"] else ", other content"))
    print("%d vectors, %d wrong" % (len(manifest["vectors"]), wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) == 2:
        sys.exit(check(sys.argv[1]))
    if len(sys.argv) == 3 and sys.argv[1][2:] in READERS:
        with open(sys.argv[2], "rb") as named:
            try:
                print(json.dumps(READERS[sys.argv[1][2:]](named.read())))
            except Refused as refused:
                sys.exit("refused: %s" % refused)
        sys.exit(0)
    sys.exit(__doc__)
