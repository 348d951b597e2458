"""Answers about configuration, keys in etcd, and the services that others need."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from coreos_lab.definition import etcd_keys, lab_settings
from coreos_lab.definition.checklist import paper
from coreos_lab.definition.checklist.paper import Answer, Paper, Place
from coreos_lab.definition.etcd_keys import Use
from coreos_lab.definition.graph import ETCD
from coreos_lab.definition.lab_map import Part
from coreos_lab.units import command_lines, service_life

_ADDRESS = re.compile(r"\b(?:https?|wss?|tcp|redis|mysql|postgres)://([A-Za-z0-9][\w.-]*\.[A-Za-z]{2,})\b")
_Used = tuple[Part, Use]


def config(lab: Paper) -> Iterator[Answer]:
    """Variables of units, then keys in etcd."""
    settable = {lab_settings.variable(name): name for name in lab.lab.settings}
    variables: dict[str, list[tuple[Part, Place]]] = {}
    for part in lab.parts:
        for option in paper.options(part, "Service", "Environment"):
            for word in command_lines.split(option.value):
                place = Place(part.unit.path, option.line)
                variables.setdefault(word.text.partition("=")[0], []).append((part, place))
    for name, found in variables.items():
        how = f"; --set {settable[name]}=... changes it" if name in settable else ""
        text = f"a variable, with its value in the unit, of {paper.listing(part.name for part, _place in found)}{how}"
        yield Answer(name, text, tuple(dict.fromkeys(place for _part, place in found)))
    files = [
        Answer(part.name, f"variables from the machine's {option.value.removeprefix('-')}", paper.at(part, [option]))
        for part in lab.parts
        for option in paper.options(part, "Service", "EnvironmentFile")
    ]
    yield from paper.grouped(files)
    yield from _keys(lab)


def _keys(lab: Paper) -> Iterator[Answer]:
    """Each key in etcd: who sets it, who reads it, how long it lives."""
    uses = [(part, use) for part in lab.parts for use in part.keys]
    written = {use.key for _part, use in uses if use.written}
    for key in sorted({use.key for _part, use in uses}):
        if key in written or not any(etcd_keys.covers(key, each) for each in written):
            yield _key(lab, key, uses)
    for index, key in enumerate(lab.lab.keys):
        if not any(use.key == key or use.key.startswith(f"{key}/") for _part, use in uses):
            text = "listed as the lab's; which unit or program uses it cannot be seen"
            yield Answer(key, text, lab.listed("keys", index), seen=False)


def _key(lab: Paper, key: str, uses: Sequence[_Used]) -> Answer:
    setting = [(part, use) for part, use in uses if use.key == key and use.written and not use.removed]
    removing = [(part, use) for part, use in uses if use.key == key and use.removed]
    reading = [(part, use) for part, use in uses if not use.written and etcd_keys.covers(use.key, key)]
    setters, readers = _names(setting), _names(reading)
    text = f"set by {setters}" if setters else "set by nothing that is seen"
    text += f"; read by {readers}" if readers else "; read by nothing that is seen"
    if setting:
        text += f"; {_lifetime(setting, removing)}"
    elif removing:
        text += f"; removed by {_names(removing)}"
    ours = any(key == each or key.startswith(f"{each}/") for each in lab.lab.keys)
    text += "; goes with the lab" if ours else "; stays when the lab is removed, since lab.yaml does not list it"
    places = tuple(Place(use.path, use.line) for _part, use in [*setting, *removing, *reading])
    return Answer(key, text, tuple(dict.fromkeys(places)))


def _names(uses: Sequence[_Used]) -> str:
    return paper.listing(part.name for part, _use in uses)


def _lifetime(setting: Sequence[_Used], removing: Sequence[_Used]) -> str:
    ttls = list(dict.fromkeys(use.ttl for _part, use in setting))
    lives = [f"expires after {f'{ttl} s' if ttl.isdecimal() else ttl}" for ttl in ttls if ttl]
    if "" in ttls:
        lives.append("does not expire" if len(ttls) == 1 else f"does not expire as {_without_ttl(setting)} sets it")
    for part, use in setting:
        starts = [option.value for option in paper.options(part, "Service", "ExecStart")]
        pauses = [float(each) for value in starts for each in re.findall(r"\bsleep (\d+(?:\.\d+)?)", value)]
        if use.ttl and use.option == "ExecStart" and pauses:
            lives.append(f"renewed every {paper.seconds(max(pauses))}")
    for part, use in removing:
        on_stop = use.option in ("ExecStop", "ExecStopPost")
        lives.append(
            "removed on a stop" if on_stop else f"removed by {part.name}{' at its start' if use.option else ''}"
        )
    return paper.listing(lives)


def _without_ttl(setting: Sequence[_Used]) -> str:
    return _names([(part, use) for part, use in setting if not use.ttl])


def backing(lab: Paper) -> Iterator[Answer]:
    """What each service needs; then those of which there is only one."""
    for part in lab.parts:
        bound = [each for each in lab.needs if each.service == part.name and each.by == "bound"]
        if bound:
            names = paper.listing(each.needed for each in bound)
            relations = [
                o for o in part.options if o.name in ("BindsTo", "Requires", "Requisite", "PartOf", "MachineOf")
            ]
            yield Answer(part.name, f"is bound to {names}", paper.at(part, relations))
        found = [each for each in lab.needs if each.service == part.name and each.by != "bound"]
        others = [each for each in found if each.needed != ETCD]
        if others:
            keys = {each.by for each in others}
            text = f"needs {'; '.join(f'{each.needed}, which it finds by {each.by}' for each in others)}"
            places = [Place(use.path, use.line) for use in part.keys if use.key in keys and not use.written]
            yield Answer(part.name, text, tuple(dict.fromkeys(places)))
    on_etcd = [part for part in lab.parts if part.keys]
    if on_etcd:
        names = paper.listing(part.name for part in on_etcd)
        text = f"{names} use it: without its majority they find no changes, and announce none"
        yield Answer(ETCD, text, tuple(Place(part.keys[0].path, part.keys[0].line) for part in on_etcd))
    for part in lab.parts:
        for option in paper.options(part, "Service", *{o.name for o in part.options if o.name.startswith("Exec")}):
            for host in _ADDRESS.findall(option.value):
                yield Answer(part.name, f"uses a service outside, {host}", paper.at(part, [option]))
    yield from _singles(lab)


def _singles(lab: Paper) -> Iterator[Answer]:
    """Services with one instance that others need."""
    for part in lab.parts:
        users = [each.service for each in lab.needs if each.needed == part.name and each.by != "bound"]
        is_task = service_life.of(part.options).kind == "oneshot"
        if users and len(part.unit.started) == 1 and not paper.is_global(part) and not is_task:
            text = f"there is only one, needed by {paper.listing(users)}: while fleet moves it, they do without"
            yield Answer(part.name, text, lab.entry(part))
