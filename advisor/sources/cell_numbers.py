"""Numbers in the cells of a block: all digits of one are read at once, eight a word."""

from typing import Final

import numpy as np

from advisor.sources.load_cells import LONGEST_NUMBER, Block, Words
from advisor.units import BoolArray, FloatArray

_MOST_DECIMALS: Final = 22
"""Powers of ten are exact up to here."""
_EXACT: Final = 2**53
_HIGHEST: Final = 1e16
_POWERS: Final = np.array([float(f"1e{n}") for n in range(_MOST_DECIMALS + 1)])
_VELTKAMP: Final = 2.0**27 + 1
_ONE: Final = np.uint64(1)
_BYTE: Final = np.uint64(8)
_TOP_BYTE: Final = np.uint64(56)
_ALL: Final = np.uint64(0xFFFFFFFFFFFFFFFF)
_TOPS: Final = np.uint64(0x8080808080808080)
_SIXTEENS: Final = np.uint64(0x1010101010101010)
"""The bit of a byte that both decimal signs have, and no digit; all bytes are given by how they differ from ``0``."""
_ABOVE_NINE: Final = np.uint64(0x7676767676767676)
"""What lifts a byte above 9 to its highest bit; nine more lift any but zero."""
_NINE: Final = np.uint64(9)
_EVERY_SECOND: Final = np.uint64(0x000000FF000000FF)
_FIRST_AND_THIRD: Final = np.uint64(100 + (1_000_000 << 32))
_SECOND_AND_FOURTH: Final = np.uint64(1 + (10_000 << 32))
"""What pairs of digits are worth; products with what stands behind them are shifted out."""


def plain_numbers(block: Block, column: int, decimal: str) -> tuple[FloatArray, BoolArray]:
    """Numbers of a column, rounded as Python does, and which cells are no plain ones: digits with at most one decimal sign.

    The bytes before the decimal sign move up into its place, and neighbours are joined to pairs, fours and eights.
    """
    lengths = block.lengths(column)
    shortest, longest = int(np.min(lengths)), int(np.max(lengths))
    n_words = min(max(-(-longest // 8), 1), LONGEST_NUMBER // 8)
    words = block.digits(column, lengths, n_words)
    n_rows = len(block.line_ends)
    is_hard = np.zeros(n_rows, dtype=np.bool_)
    has_sign = np.zeros(n_rows, dtype=np.bool_)
    n_decimals = np.zeros(n_rows, dtype=np.uint8)
    mantissa = np.zeros(0, dtype=np.uint64)
    unlike_zero = np.uint64(ord(decimal) ^ ord("0"))
    for at, word in enumerate(words):
        signs = word & _SIXTEENS
        signs >>= np.uint64(4)
        word ^= signs * unlike_zero
        _note_others(word, signs, is_hard)
        is_here = signs != 0
        if at:
            is_hard |= is_here & has_sign
        if is_here.any() or has_sign.any():
            before = signs - _ONE
            several = signs & before
            if np.bitwise_or.reduce(several):
                is_hard |= several != 0
            n_decimals += (np.uint8(8 * at + 7) - (np.bitwise_count(before) >> np.uint8(3))) * is_here
            if at:
                before[has_sign] = _ALL
            has_sign |= is_here
            before &= word
            moved = word ^ before
            before <<= _BYTE
            moved |= before
            if at + 1 < n_words:
                moved |= words[at + 1] >> _TOP_BYTE
            word = moved if has_sign.all() else np.where(has_sign, moved, word)
        eight = _eight_digits(word)
        if at == 2:
            is_hard |= eight >= 1_000
        mantissa = mantissa + eight * np.uint64(10 ** (8 * at)) if at else eight
    if longest > 8 * n_words or not shortest:
        is_hard |= (lengths > 8 * n_words) | np.equal(lengths, 0)
    if shortest <= 1:
        is_hard |= has_sign & np.equal(lengths, 1)
    if n_words == 1:
        return mantissa / _POWERS.take(n_decimals), is_hard
    is_hard |= n_decimals > _MOST_DECIMALS
    n_decimals = np.minimum(n_decimals, np.uint8(_MOST_DECIMALS))
    values = mantissa / _POWERS[n_decimals]
    long = np.flatnonzero(~is_hard & (mantissa >= _EXACT))
    if long.size:
        values[long], is_sure = _quotients(mantissa[long], _POWERS[n_decimals[long]])
        is_hard[long] = ~is_sure | (values[long] > _HIGHEST)
    return values, is_hard


def _note_others(word: Words, signs: Words, is_hard: BoolArray) -> None:
    """Note where a byte is neither a digit nor the decimal sign, which was made zero; ``signs`` has a one in its place."""
    lifted = signs * _NINE
    lifted += _ABOVE_NINE
    lifted += word
    lifted |= word
    if np.bitwise_or.reduce(lifted) & _TOPS:
        is_hard |= (lifted & _TOPS) != 0


def _eight_digits(word: Words) -> Words:
    """The number that the bytes of each word make, the last digit in its highest byte: pairs first, then all four at once."""
    behind = word >> np.uint64(8)
    word = word * np.uint64(10)
    word += behind
    behind = word >> np.uint64(16)
    for pairs, factors in ((word, _FIRST_AND_THIRD), (behind, _SECOND_AND_FOURTH)):
        pairs &= _EVERY_SECOND
        pairs *= factors
    word += behind
    word >>= np.uint64(32)
    return word


def _quotients(mantissa: Words, power: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Quotients rounded to the nearest float, and where that is beyond doubt: worked out to twice the digits of one float."""
    high = mantissa.astype(np.float64)
    low = (mantissa - high.astype(np.uint64)).view(np.int64).astype(np.float64)
    first = high / power
    product = first * power
    first_high = _VELTKAMP * first - (_VELTKAMP * first - first)
    power_high = _VELTKAMP * power - (_VELTKAMP * power - power)
    first_low, power_low = first - first_high, power - power_high
    lost = ((first_high * power_high - product) + first_high * power_low + first_low * power_high) + first_low * power_low
    second = ((high - product) - lost + low) / power
    values = first + second
    off = np.abs(second - (values - first))
    between = np.spacing(values) / 2
    is_sure = (np.abs(off - between) > between * 2.0**-20) & (np.frexp(values)[0] != 0.5)
    return values, is_sure
