"""What searches find on the sample catalogue LAB: cases for everyone who writes a catalogue or a query language."""

from __future__ import annotations

import datetime as dt

import attrs

from regards_order.domain.selection import SelectionRequest
from regards_order.testing.lab import DATASET_B

ALL = "1 2 3 4 5 6 7 8 9 10"
_UNKNOWN_DATASET = "URN:AIP:DATASET:lab:0000000d-0000-0000-0000-00000000000d:V1"

_IDS = " OR ".join(f'"{name}"' for name in (*(f"none_{n}" for n in range(9_997)), "S2A_001", "S2B_001", "no-title"))


@attrs.frozen
class LabCase:
    """Hold a request and what it finds when the user may see everything.

    Attributes:
        number: of the group of cases that show one rule.
        request: what is asked.
        found: numbers of the products in their order, as in ``"1 2 10"``; None if the request is refused.
    """

    number: int
    request: SelectionRequest
    found: str | None

    def __str__(self) -> str:
        """Return a name for the test of the case."""
        parameters = self.request.search_parameters or {}
        values = ", ".join(f"{value}" for texts in parameters.values() for value in texts)
        return f"{self.number}-{values[:80] or 'request'}"


def lab_urn(number: int) -> str:
    """Return the URN of a product of LAB; the fifth is the second version of the fourth."""
    identity, version = (4, 2) if number == 5 else (number, 1)
    return f"URN:AIP:DATA:lab:00000000-0000-0000-0000-{identity:012}:V{version}"


def _queries(number: int, found: str | None, *queries: str) -> tuple[LabCase, ...]:
    return tuple(LabCase(number, SelectionRequest.of(query), found) for query in queries)


def _without(*numbers: int) -> str:
    return " ".join(each for each in ALL.split() if int(each) not in numbers)


def _asked(number: int, found: str | None, **parameters: str) -> LabCase:
    return LabCase(number, SelectionRequest({name: (value,) for name, value in parameters.items()}), found)


_QUERIES: tuple[tuple[LabCase, ...], ...] = (
    _queries(2, "1 2", "title:harry"),
    _queries(3, "1 2", "title:HARRY"),
    _queries(4, "", 'title:"harry"'),
    _queries(5, "1", 'title:"Harry Potter"'),
    _queries(6, "2", "title:*potter"),
    _queries(7, "2", "title:harry*"),
    _queries(8, "1 2", "title:*arr*"),
    _queries(9, "3 5", "title:Star*"),
    _queries(10, None, "title:Star Wars"),
    _queries(11, "3 4 5", "title:Star\\ Wars"),
    _queries(12, "1 2 3 4 5", "title:(harry OR star)"),
    _queries(13, "1 2", "title:(harry AND potter)"),
    _queries(14, "3 4", 'title:("Star Wars" OR "star wars")'),
    _queries(15, _without(10), "title:/.*/", "title:*"),
    _queries(16, "10", "NOT title:/.*/", "NOT title:*"),
    _queries(17, "1 10", "altitude:8848", 'altitude:"8848"'),
    _queries(18, None, "altitude:-5"),
    _queries(18, "2", "altitude:\\-5", 'altitude:"-5"'),
    _queries(19, None, "altitude:abc"),
    _queries(20, "3 4 5 6 7 8", "altitude:[0 TO 2000]"),
    _queries(21, "6 7 8", "altitude:{0 TO 2000}"),
    _queries(22, "3 6 7 8", "altitude:[0 TO 2000}"),
    _queries(23, "4 5 6 7 8", "altitude:{0 TO 2000]"),
    _queries(24, "1 4 5 10", "altitude:[1000 TO *]"),
    _queries(25, "2", "altitude:{* TO 0}"),
    _queries(25, "2 3", "altitude:[* TO 0]"),
    _queries(26, None, "altitude:[* TO *]"),
    _queries(27, "2", "altitude:[-10 TO -1]"),
    _queries(28, "1 4 5 6 10", "altitude>119"),
    _queries(28, "1 4 5 6 8 10", "altitude>=119"),
    _queries(28, "2", "altitude<0"),
    _queries(28, "2 3", "altitude<=0"),
    _queries(29, "3", "altitude=0"),
    _queries(30, "1 2", "years:2001"),
    _queries(30, None, "years:[2001 TO 2002]"),
    _queries(31, "2 5", "bpm:128"),
    _queries(31, "1", "bpm:145.6", "bpm:{128.0 TO 146]"),
    _queries(32, "1", 'date:"2020-01-01T00:00:00Z"'),
    _queries(32, None, "date:2020-01-01T00:00:00Z"),
    _queries(33, "1 2 3", "date:[2020-01-01T00:00:00 TO 2020-01-03T23:59:59]"),
    _queries(34, "4 5 7", "date:{2020-01-03T12:30:00.500Z TO *}"),
    _queries(34, "3 4 5 7", "date:[2020-01-03T12:30:00.500Z TO *}"),
    _queries(35, "7", 'date:"2020-02-29T22:00:00Z"'),
    _queries(36, "1 3", "isTrue:true"),
    _queries(36, "2 5", "isTrue:false"),
    _queries(36, _without(1, 3), "NOT isTrue:true"),
    _queries(37, _without(4), "last:true"),
    _queries(37, "5", "version:2"),
    _queries(38, "1 5", 'last=true AND providerId=("S2B_002" OR "S2A_001")'),
    _queries(39, "1 2", "productId:S2A_001"),
    _queries(39, "1", 'providerId:"S2A_001"'),
    _queries(40, "2 3", "productId:(S2A_0010 OR S2B_001)"),
    _queries(41, "6", "providerId:a\\+b\\:c", 'providerId:"a+b:c"'),
    _queries(41, None, "providerId:a+b:c"),
    _queries(42, "6", "title:\\(1\\+1\\)\\:2", "\\(1\\+1\\)\\:2"),
    _queries(43, "6", "author:O'Neill"),
    _queries(44, "7", "title:Été"),
    _queries(44, "", "title:évian"),
    _queries(45, "8", "title:john@cnes.fr"),
    _queries(46, "8 9", "title:/mail john.*/"),
    _queries(46, "", "title:/John.*/"),
    _queries(47, "3 5", "title:/Star Wars( II)?/"),
    _queries(48, "1", "cast:watson", 'cast:"Emma Watson"'),
    _queries(48, "", "cast:(radcliffe AND hamill)"),
    _queries(49, "1", "tags:plop"),
    _queries(50, "", "tags:plop AND tags:(A\\:A OR B\\:B OR C\\:C)"),
    _queries(50, "6 7 8", "tags:(A\\:A OR B\\:B OR C\\:C)"),
    _queries(51, "3 4 5 6", f'tags:"{DATASET_B}"'),
    _queries(51, None, f"tags:{DATASET_B}"),
    _queries(52, "1 2", "harry", "@multisearch:harry"),
    _queries(52, "1", '"harry potter"'),
    _queries(53, _without(3, 5), "NOT lucas"),
    _queries(54, "3 4 5", "S2B*"),
    _queries(55, None, "mode:IW"),
    _queries(55, "1", "sensing.mode:IW", "properties.sensing.mode:IW", "feature.properties.sensing.mode:IW"),
    _queries(56, "1", "start:[2020-01-01T00:00:00Z TO *]"),
    _queries(57, None, "unknown:x", "ipId:x", "creationDate:[2024-01-01T00:00:00Z TO *]"),
    _queries(58, "1 2", "_creationDate:[* TO 2024-01-03T00:00:00Z}"),
    _queries(59, "1 3 4 5", "altitude:8848 AND title:harry OR title:wars"),
    _queries(60, "1", "altitude:8848 AND (title:harry OR title:wars)"),
    _queries(61, "2 6 7 8 9", "NOT (title:wars OR altitude:8848)"),
    _queries(62, "1 2 6 7 8 9 10", "!title:wars", "-title:wars", "title:(!wars)", "title:(NOT wars)"),
    _queries(63, _without(3), 'title:(!("Star Wars"))'),
    _queries(64, "3 4", "title:wars AND !title:II"),
    _queries(65, None, "title:harry title:star", "title:(harry star)", "title:wars -title:II"),
    _queries(65, None, "+title:harry +author:rowling"),
    _queries(66, None, "title:harry~", "title:harry^2", '"Harry Potter"~2', "(title:harry)^2"),
    _queries(67, None, 'title:"unterminated', "title:", "()", "   ", "AND", "title:(harry", "title:harry)"),
    _queries(68, None, "title:{harrypotter TO starwars}"),
    _queries(69, "3 4 5", 'title@text:"star wars"'),
    _queries(69, "", 'title@text:"wars star"'),
    _queries(70, ALL, "rawdata:(*.zip)"),
    _queries(70, "1", "rawdata:S2A_001.zip"),
    _queries(70, "", "rawdata:(Mercury.unknown)"),
    _queries(71, _without(1), 'label:(NOT "Alpha One")'),
    _queries(72, "3 6 8", "altitude:(0 OR 119 OR 120)"),
    _queries(72, "1 3 7 10", "altitude:([0 TO 100] OR [8000 TO *])"),
    _queries(73, "1 2", "title:harry && author:rowling"),
    _queries(73, "1 2 3 4 5", "title:harry || title:wars"),
    _queries(73, None, "title:harry and author:rowling"),
    _queries(74, None, "title::harry", ":x", "a:b:c"),
    _queries(
        75,
        "1",
        'title:("Harry Potter" OR "harrypotter") AND author:(rowling) AND cast:(!("Rupert Grint"))',
    ),
    _queries(76, "1 3 4 5", "providerId:/S2[AB]_00[12]/"),
    _queries(77, "1", "author:J.*"),
    _queries(78, "1", f'id:"{lab_urn(1)}"'),
    _queries(79, "1 3 10", f"providerId:({_IDS})", "providerId:" + _IDS.replace(" OR ", " OR providerId:")),
    _queries(88, "1", f'virtualId:"{lab_urn(1)[:-2]}LAST"'),
    _queries(88, "5", f'virtualId:"{lab_urn(4)[:-2]}LAST"'),
)

_REQUESTS: tuple[LabCase, ...] = (
    LabCase(1, SelectionRequest(), ALL),
    LabCase(1, SelectionRequest.of(""), ALL),
    LabCase(82, SelectionRequest(include=(lab_urn(1), lab_urn(3), "URN:")), "1 3"),
    LabCase(82, SelectionRequest(exclude=(lab_urn(1),)), _without(1)),
    LabCase(82, SelectionRequest(include=tuple(f"URN:{n}" for n in range(2000))), None),
    LabCase(84, SelectionRequest(dataset_urn=_UNKNOWN_DATASET), ""),
    LabCase(84, SelectionRequest(dataset_urn="nonsense"), None),
    LabCase(85, SelectionRequest(selection_date=dt.datetime(2024, 1, 4, tzinfo=dt.timezone.utc)), "1 2 3"),
    LabCase(85, SelectionRequest(selection_date=dt.datetime(2023, 12, 12, tzinfo=dt.timezone.utc)), ""),
    _asked(87, None, g="MULTILINESTRING((3 4,10 50,20 25),(-5 -8,-10 -8,-15 -4))"),
    _asked(87, None, g="POLYGON((0 0,0 0,0 0, 0 0, 0 0))"),
    _asked(87, None, lat="1", lon="2"),
)


def lab_cases() -> tuple[LabCase, ...]:
    """Return all cases that are one request on LAB, by number."""
    cases = (*_REQUESTS, *(case for cases in _QUERIES for case in cases))
    return tuple(sorted(cases, key=lambda case: case.number))
