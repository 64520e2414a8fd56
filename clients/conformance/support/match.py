"""Whether an answer is as expected: every field that is named is there with that value.

Null means null or absent. Strings that are decimals are compared by value. Lists are as long as
expected. An object with one field that begins with `$` is a condition, see `CONDITIONS`.
"""

import datetime
import decimal
import re


def differences(expected, actual, path="answer") -> list[str]:
    if isinstance(expected, dict):
        condition = next(iter(expected), "")
        if condition.startswith("$"):
            wrong = [name for name, value in expected.items() if not holds(name, value, actual)]
            return [f"{path}: {actual!r} is not {expected}"] if wrong else []
        if not isinstance(actual, dict):
            return [f"{path}: {actual!r} is not an object"]
        found = []
        for name, value in expected.items():
            found += differences(value, actual.get(name), f"{path}.{name}")
        return found
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            return [f"{path}: {actual!r} are not {len(expected)} of {expected!r}"]
        found = []
        for index, value in enumerate(expected):
            found += differences(value, actual[index], f"{path}[{index}]")
        return found
    return [] if same(expected, actual) else [f"{path}: {actual!r} is not {expected!r}"]


def same(expected, actual) -> bool:
    if expected == actual and type(expected) is type(actual):
        return True
    if isinstance(expected, str) and isinstance(actual, str):
        one, other = number(expected), number(actual)
        return one is not None and one == other
    return False


def number(text: str) -> decimal.Decimal | None:
    return decimal.Decimal(text) if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text) else None


def holds(condition: str, value, actual) -> bool:
    return CONDITIONS[condition](value, actual)


def numeric(actual) -> bool:
    return isinstance(actual, (int, float)) and not isinstance(actual, bool)


CONDITIONS = {
    "$present": lambda value, actual: (actual is not None) == value,
    "$not": lambda value, actual: actual != value,
    "$min": lambda value, actual: numeric(actual) and actual >= value,
    "$max": lambda value, actual: numeric(actual) and actual <= value,
    "$contains": lambda value, actual: isinstance(actual, str) and value in actual,
    "$lacks": lambda value, actual: isinstance(actual, str) and value not in actual,
    "$matches": lambda value, actual: isinstance(actual, str) and bool(re.search(value, actual)),
    "$after": lambda value, actual: isinstance(actual, str) and instant(actual) > instant(value),
}


def instant(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
