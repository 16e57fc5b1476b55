"""The values of the corpus: limits of types, instants, nested rows, partition values."""

from __future__ import annotations


def _nines(whole: int, fraction: int) -> str:
    return "9" * whole + ("." + "9" * fraction if fraction else "")


TYPES = [
    # column, type, minimum, maximum, and one more value worth a row
    ("c_tinyint", "TINYINT", "'-128'", "'127'", "'0'"),
    ("c_smallint", "SMALLINT", "'-32768'", "'32767'", "'0'"),
    ("c_int", "INT", "'-2147483648'", "'2147483647'", "'0'"),
    ("c_bigint", "BIGINT", "'-9223372036854775808'", "'9223372036854775807'", "'0'"),
    ("c_float", "FLOAT", "'-3.4028235E38'", "'3.4028235E38'", "'1.4E-45'"),
    ("c_double", "DOUBLE", "'-1.7976931348623157E308'", "'1.7976931348623157E308'", "'4.9E-324'"),
    ("c_decimal_38_18", "DECIMAL(38,18)", f"'-{_nines(20, 18)}'", f"'{_nines(20, 18)}'", "'0'"),
    ("c_decimal_38_0", "DECIMAL(38,0)", f"'-{_nines(38, 0)}'", f"'{_nines(38, 0)}'", "'0'"),
    ("c_decimal_18_6", "DECIMAL(18,6)", f"'-{_nines(12, 6)}'", f"'{_nines(12, 6)}'", "'0.000001'"),
    ("c_decimal_5_2", "DECIMAL(5,2)", "'-999.99'", "'999.99'", "'-0.01'"),
    ("c_boolean", "BOOLEAN", "'false'", "'true'", "'true'"),
    ("c_string", "STRING", "''", "'中文，繁體字'", "'a\\nb\\tc\\rd'"),
    # Five characters in the file too; `padded` holds the other case.
    ("c_char", "CHAR(5)", "'     '", "'abcde'", "'字    '"),
    ("c_varchar", "VARCHAR(10)", "''", "'0123456789'", "'é ü 字'"),
    ("c_binary", "BINARY", "X''", "X'00FF7F80'", "X'0A0D00'"),
    ("c_date", "DATE", "'0001-01-01'", "'9999-12-31'", "'1582-10-15'"),
]
SPECIALS = [
    {
        "c_float": "'NaN'",
        "c_double": "'NaN'",
        "c_string": "'👩‍👩‍👧 emoji 😀'",
        "c_date": "'1582-10-04'",
    },
    {
        "c_float": "'-Infinity'",
        "c_double": "'-Infinity'",
        "c_string": "'it\\'s \"quoted\" \\\\ `x`'",
    },
    {
        "c_float": "'Infinity'",
        "c_double": "'Infinity'",
        "c_string": "' blanks '",
        "c_date": "'1970-01-01'",
    },
    {"c_float": "'-0.0'", "c_double": "'-0.0'", "c_string": "'NULL'", "c_date": "'1969-12-31'"},
    {
        "c_float": "'0.1'",
        "c_double": "'0.1'",
        "c_string": "repeat('長', 3000)",
        "c_date": "'2024-02-29'",
    },
]
INSTANTS = [
    "1677-09-22 00:00:00",
    "1899-12-31 23:59:59.999999",
    "1969-12-31 23:59:59.999999",
    "1970-01-01 00:00:00",
    "2024-03-10 01:59:59.999999",  # the hour that New York skips
    "2024-03-10 02:30:00",
    "2024-03-10 07:00:00.000001",
    "2024-03-31 02:30:00.5",  # the hour that Berlin skips
    "2024-10-27 02:30:00",  # the hour that Berlin repeats
    "1991-04-14 00:30:00.123456",  # Shanghai, which kept summer time then
    "2038-01-19 03:14:08",
    "2262-04-11 23:47:16.854775",
]
FAR = ["0001-01-01 00:00:00", "1582-10-04 23:59:59.999999", "9999-12-31 23:59:59.999999"]

NESTED = (
    "id INT, tags ARRAY<STRING>, attrs MAP<STRING, INT>"
    ", deep STRUCT<a: INT, b: STRUCT<c: STRING, d: STRUCT<e: TIMESTAMP, f: ARRAY<BIGINT>>>>"
    ", items ARRAY<STRUCT<sku: STRING, price: DECIMAL(18,4)>>"
    ", by_day MAP<STRING, ARRAY<STRUCT<k: INT, v: DOUBLE>>>, matrix ARRAY<ARRAY<INT>>"
)
NESTED_ROWS = [
    {
        "tags": ["a", "", None, "中"],
        "attrs": {"one": 1, "none": None},
        "deep": {
            "a": 1,
            "b": {
                "c": "x",
                "d": {"e": "2024-03-10 07:00:00.000001", "f": [1, None, -9223372036854775808]},
            },
        },
        "items": [{"sku": "s1", "price": "12.3456"}, None, {"sku": None, "price": None}],
        "by_day": {"2024-01-01": [{"k": 1, "v": 0.5}, None], "2024-01-02": None, "2024-01-03": []},
        "matrix": [[1, 2], None, [], [None]],
    },
    {
        "tags": [],
        "attrs": {},
        "deep": {"a": None, "b": {"c": None, "d": {"e": None, "f": []}}},
        "items": [],
        "by_day": {},
        "matrix": [],
    },
    {},
    {
        "tags": [None],
        "attrs": {"": 0},
        "deep": {"a": 2, "b": None},
        "items": [None],
        "by_day": {"k": [None]},
        "matrix": [None],
    },
    {
        "tags": ["one"],
        "attrs": {"a": 2147483647, "b": -2147483648},
        "deep": {"a": 3, "b": {"c": "y", "d": None}},
        "items": [{"sku": "", "price": "-99999999999999.9999"}],
        "by_day": {"n": [{"k": None, "v": "NaN"}, {"k": 2, "v": "-Infinity"}]},
        "matrix": [[7]],
    },
    {
        "tags": ["x"],
        "attrs": {"x": 9},
        "deep": {"a": 4, "b": {"c": "z", "d": {"e": "1969-12-31 23:59:59.999999", "f": None}}},
        "items": None,
        "by_day": {"m": []},
        "matrix": [[], []],
    },
]

# Null and the empty string are one partition to Delta: the log keeps null for both.
ODD_VALUES = ["a b", "a:b#$.!@", "20240101", "-1", "plain", "UPPER", "under_score", None, ""]
BAD_VALUES = ["a/b", "100%", "k=v", "who?", "a,b", "it's", "中文", 'say "x"', "back\\slash", "good"]
