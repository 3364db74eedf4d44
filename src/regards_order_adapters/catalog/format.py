"""Lines of a catalogue file: judged here, whole, each fault with its path (docs/catalogue.md)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any, get_origin

import attrs
import orjson
from cattrs import BaseValidationError, Converter, transform_error
from cattrs.cols import list_structure_factory
from cattrs.gen import make_dict_structure_fn, override
from cattrs.v import format_exception

from regards_order.domain.attributes import INTEGER_MAX, INTEGER_MIN
from regards_order.domain.errors import Fault, InvalidInput, InvalidUrn
from regards_order.domain.product import PUBLIC, DataFile, Dataset, DataType, Product, unverifiable
from regards_order.domain.urn import Urn


@attrs.frozen
class _FileLine:
    data_type: str
    filename: str
    uri: str
    size: int | None = None
    checksum: str | None = None
    digest_algorithm: str | None = None
    mime_type: str = "application/octet-stream"
    online: bool = True
    reference: bool = False


@attrs.frozen
class _DatasetLine:
    provider_id: str
    urn: str | None = None
    label: str | None = None
    groups: list[str] | None = None
    files: list[_FileLine] = attrs.field(factory=list)


@attrs.frozen
class _ProductLine:
    provider_id: str
    urn: str | None = None
    label: str | None = None
    model: str = ""
    tags: list[str] = attrs.field(factory=list)
    version: int | None = None
    last: bool | None = None
    properties: dict[str, Any] = attrs.field(factory=dict)
    geometry: dict[str, Any] | None = None
    groups: list[str] | None = None
    files: list[_FileLine] = attrs.field(factory=list)


class _WrongValue(ValueError):
    """A value that is not what its field holds."""


def _strict(kind: type[Any], word: str) -> Any:
    def structure(value: Any, _: Any) -> Any:
        if type(value) is not kind:
            raise _WrongValue(f"{_shown(value)} is not {word}")
        if kind is int and not INTEGER_MIN <= value <= INTEGER_MAX:
            raise _WrongValue(f"{value} does not fit in 64 bits")
        return value

    return structure


def _is_list(kind: Any) -> bool:
    return get_origin(kind) is list


def _strict_list(kind: Any, converter: Any) -> Any:
    structure_items = list_structure_factory(kind, converter)

    def structure(value: Any, _: Any) -> Any:
        if not isinstance(value, list):
            raise _WrongValue(f"{_shown(value)} is not an array")
        return structure_items(value, kind)

    return structure


def _shown(value: Any) -> str:
    try:
        text = orjson.dumps(value).decode()
    except (TypeError, RecursionError):
        return "a value nested too deeply"
    return text if len(text) <= 60 else text[:57] + "..."


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _make_converter() -> Converter:
    converter = Converter(forbid_extra_keys=True)
    for kind, word in ((str, "a text"), (int, "a whole number"), (bool, "true or false"), (dict, "an object")):
        converter.register_structure_hook(kind, _strict(kind, word))
    converter.register_structure_hook_func(lambda given: given == dict[str, Any], _strict(dict, "an object"))
    converter.register_structure_hook_factory(_is_list, _strict_list)
    for line in (_FileLine, _DatasetLine, _ProductLine):
        names: Any = {field.name: override(rename=_camel(field.name)) for field in attrs.fields(line)}
        structure = make_dict_structure_fn(
            line, converter, _cattrs_forbid_extra_keys=True, _cattrs_detailed_validation=True, **names
        )
        converter.register_structure_hook(line, _objects_only(structure))
    return converter


def _objects_only(structure: Any) -> Any:
    def only(value: Any, kind: Any) -> Any:
        if not isinstance(value, dict):
            raise _WrongValue(f"{_shown(value)} is not an object")
        return structure(value, kind)

    return only


_converter = _make_converter()


def _explained(error: BaseException, kind: type | None) -> str:
    if isinstance(error, _WrongValue):
        return str(error)
    if isinstance(error, KeyError):
        return f'the required field "{_camel(str(error.args[0]))}" is missing'
    return str(format_exception(error, kind))


def _faults(error: BaseValidationError) -> tuple[Fault, ...]:
    faults = []
    for line in transform_error(error, path="$", format_exception=_explained):
        detail, _, path = line.rpartition(" @ ")
        faults.append(Fault(_camel_path(path), detail))
    return tuple(faults)


def _camel_path(path: str) -> str:
    return ".".join(_camel(part) if part != "$" else part for part in path.split("."))


def read_entry(data: Any, tenant: str, now: dt.datetime) -> Dataset | Product:
    """Return the product or dataset that one line describes.

    Args:
        data: the line as JSON.
        tenant: the tenant that the catalogue belongs to.
        now: when it enters the catalogue (UTC).

    Raises:
        InvalidInput: naming every fault of the line.
    """
    if not isinstance(data, Mapping):
        raise InvalidInput((Fault("$", f"{_shown(data)} is not an object"),))
    if faults := tuple(_nul_faults("$", data)):
        raise InvalidInput(faults)
    fields = dict(data)
    kind = fields.pop("type", None)
    try:
        if kind == "dataset":
            return _dataset(_converter.structure(fields, _DatasetLine), tenant)
        if kind == "product":
            return _product(_converter.structure(fields, _ProductLine), tenant, now)
    except BaseValidationError as error:
        raise InvalidInput(_faults(error)) from None
    raise InvalidInput((Fault("$.type", f'{_shown(kind)} is neither "product" nor "dataset"'),))


def _nul_faults(path: str, value: Any) -> Iterator[Fault]:
    """Yield where a text holds NUL, which no database stores; a value nested too deeply is refused elsewhere."""
    pending = [(path, value)]
    while pending:
        path, value = pending.pop()
        if isinstance(value, Mapping):
            pending += [(f"{path}.{name}", name) for name in value if "\0" in name]
            pending += [(f"{path}.{name}", inner) for name, inner in value.items()]
        elif isinstance(value, list):
            pending += [(f"{path}[{position}]", inner) for position, inner in enumerate(value)]
        elif isinstance(value, str) and "\0" in value:
            yield Fault(ascii(path)[1:-1], "must not hold NUL")


def read_feature(data: Any) -> Any:
    """Return the line that a GeoJSON Feature stands for."""
    if not isinstance(data, Mapping) or data.get("type") != "Feature":
        raise InvalidInput((Fault("$.type", 'a GeoJSON "Feature" is expected'),))
    fields = data.get("properties")
    line = dict(fields) if isinstance(fields, Mapping) else {}
    if data.get("geometry") is not None:
        line["geometry"] = data["geometry"]
    if data.get("id") is not None:
        line["urn"] = data["id"]
    return line


def _dataset(line: _DatasetLine, tenant: str) -> Dataset:
    urn = _urn("DATASET", tenant, line.urn, line.provider_id, 1)
    files = _files(line.files)
    return Dataset(str(urn), line.provider_id, line.label or line.provider_id, _groups(line.groups), files)


def _product(line: _ProductLine, tenant: str, now: dt.datetime) -> Product:
    urn = _urn("DATA", tenant, line.urn, line.provider_id, line.version or 1)
    version = urn.version if urn.version is not None else line.version or 1
    if line.version is not None and line.version != version:
        raise InvalidInput((Fault("$.version", f"{line.version} is not the version of the URN {urn}"),))
    _check_object("properties", line.properties)
    if line.geometry is not None:
        _check_object("geometry", line.geometry)
        if not isinstance(line.geometry.get("type"), str):
            raise InvalidInput((Fault("$.geometry.type", "missing; GeoJSON is expected"),))
    return Product(
        str(urn),
        line.provider_id,
        line.label or line.provider_id,
        line.model,
        frozenset(line.tags),
        version,
        True,
        line.properties,
        line.geometry,
        _groups(line.groups),
        _files(line.files),
        now,
        now,
    )


def _check_object(name: str, value: Mapping[str, Any]) -> None:
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise InvalidInput((Fault(f"$.{name}", f"cannot be stored: {error}"),)) from None


def _urn(entity_type: str, tenant: str, text: str | None, provider_id: str, version: int) -> Urn:
    if not provider_id.strip():
        raise InvalidInput((Fault("$.providerId", "must not be blank"),))
    if not 1 <= version <= 999:
        raise InvalidInput((Fault("$.version", f"{version} is not between 1 and 999"),))
    if text is None:
        return Urn.make(entity_type, tenant, provider_id, version)
    try:
        urn = Urn.parse(text)
    except InvalidUrn as error:
        raise InvalidInput((Fault("$.urn", error.message),)) from None
    if urn.entity_type != entity_type:
        raise InvalidInput((Fault("$.urn", f"{text} names a {urn.entity_type}; {entity_type} is expected"),))
    if urn.tenant != tenant:
        raise InvalidInput((Fault("$.urn", f'{text} belongs to tenant "{urn.tenant}", not to "{tenant}"'),))
    return urn


def _groups(groups: list[str] | None) -> frozenset[str]:
    if groups is None:
        return PUBLIC
    for position, group in enumerate(groups):
        if not group or "\n" in group:
            raise InvalidInput((Fault(f"$.groups[{position}]", "must be a name without line ends"),))
    return frozenset(groups)


def _files(lines: list[_FileLine]) -> tuple[DataFile, ...]:
    files, faults = [], []
    for position, line in enumerate(lines):
        values = attrs.asdict(line)
        name = values.pop("data_type")
        try:
            if name not in DataType.__members__:
                raise InvalidInput((Fault("$.dataType", f'"{name}" is none of {", ".join(DataType.__members__)}'),))
            file = DataFile(DataType[name], **values)
            if wrong := tuple(unverifiable(file)):
                raise InvalidInput(wrong)
            files.append(file)
        except InvalidInput as error:
            where = f"$.files[{position}]"
            faults += [Fault(where + _camel_path(fault.path)[1:], fault.detail) for fault in error.faults]
    if faults:
        raise InvalidInput(tuple(faults))
    return tuple(files)
