"""Reading long lists of ids, against luqum on the whole text; filtering in memory, against a comprehension."""

from __future__ import annotations

import datetime as dt

import attrs
from common import compare, judge, timed
from luqum.thread import parse

from regards_order import AttributeType, Product, compile_predicate, parse_query
from regards_order.testing import make_product
from regards_order_adapters.patterns import Re2Patterns

PRODUCTS = 100_000
ENTERED = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
TYPES = {
    "title": AttributeType.STRING,
    "cloud": AttributeType.DOUBLE,
    "level": AttributeType.LONG,
    "sensing.mode": AttributeType.STRING,
}
QUERY = (
    "title:alpha AND cloud:[10 TO 60] AND NOT sensing.mode:IW AND level:(1 OR 3 OR 5 OR 7)"
    " AND _creationDate:[2026-01-01T06:00:00Z TO *]"
)


def grouped(ids: int) -> str:
    return "id:(" + " OR ".join(f'"S2A_MSIL1C_{n:08}"' for n in range(ids)) + ")"


def flat(ids: int) -> str:
    return " OR ".join(f'id:"S2A_MSIL1C_{n:08}"' for n in range(ids))


def lists() -> bool:
    variants = {}
    for spelling in (grouped, flat):
        for count in (5_000, 10_000, 20_000):
            text = spelling(count)
            variants[f"{spelling.__name__} {count:,}"] = lambda text=text: timed(lambda: parse_query(text, {}))
        whole = spelling(10_000)
        variants[f"{spelling.__name__} 10,000, luqum"] = lambda text=whole: timed(lambda: parse(text))
    medians = compare(variants, 15)
    results = []
    for name in ("grouped", "flat"):
        growth = medians[f"{name} 20,000"] / medians[f"{name} 5,000"]
        part = medians[f"{name} 10,000"] / medians[f"{name} 10,000, luqum"]
        results.append(judge(f"{name}: 20,000 ids to 5,000", growth, 4.5))
        results.append(judge(f"{name}: 10,000 ids to luqum on the whole text", part, 0.2))
    return all(results)


def products() -> list[Product]:
    model = make_product("p")
    found = []
    for n in range(PRODUCTS):
        properties = {
            "title": f"{('Alpha', 'Beta', 'Gamma')[n % 3]} {n}",
            "cloud": n % 1000 / 10,
            "level": n % 10,
            "sensing": {"mode": ("IW", "EW", "SM")[n // 3 % 3], "orbit": n % 175},
            **{f"other{k}": k for k in range(6)},
        }
        entered = ENTERED + dt.timedelta(seconds=n)
        found.append(attrs.evolve(model, properties=properties, creation_date=entered))
    return found


def by_hand(found: list[Product]) -> list[Product]:
    wanted = frozenset({1, 3, 5, 7})
    start = ENTERED + dt.timedelta(hours=6)
    return [
        each
        for each in found
        if "alpha" in each.properties["title"].lower()
        and 10 <= each.properties["cloud"] <= 60
        and "iw" not in each.properties["sensing"]["mode"].lower()
        and each.properties["level"] in wanted
        and each.creation_date >= start
    ]


def filters() -> bool:
    found = products()
    test = compile_predicate(parse_query(QUERY, TYPES), Re2Patterns().compile)
    expected = by_hand(found)
    assert expected == [each for each in found if test(each)]
    print(f"    {len(expected):,} of {len(found):,} products")
    variants = {
        "comprehension by hand": lambda: timed(lambda: by_hand(found)),
        "query in memory": lambda: timed(lambda: [each for each in found if test(each)]),
    }
    medians = compare(variants, 9)
    ratio = medians["query in memory"] / medians["comprehension by hand"]
    return judge("five clauses over 100,000 products to the comprehension", ratio, 3)


def run() -> bool:
    return all([lists(), filters()])
