"""`strangers FOLDER COUNT`: opens COUNT bundles, code files and indexes that were tampered with,
watched by an audit hook (PEP 578); prints what happened as JSON.

Tampering that a checksum would notice is sealed anew, as a stranger would. The bundles have a
vocoder and a prior; one that can be loaded makes a sound with each.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import pickle
import random
import sys
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from distill.bundle.loading import load_bundle
from distill.bundle.reader import read_content
from distill.catalog.catalog import Catalog
from distill.catalog.files import describe
from distill.codec.codes import MAGIC, PREFIX, VERSION, Codes
from distill.errors import DistillError
from distill.library import __main__ as library
from tests.helpers.altered import alter
from tests.helpers.made_bundle import STATES, make_bundle, publish_bundle
from tests.helpers.tiny_bundle import reseal, save

HOSTILE_NAMES = (
    "../../x",
    "/etc/passwd",
    "..",
    "\x1b[2J\x1b]0;x\x07",
    "a\nb",
    "x" * 5_000,
    "\u202e",
)
RUNS = ("os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "subprocess.Popen")
REACHES = ("socket.connect", "socket.bind", "urllib.Request", "ctypes.dlopen")
WRITES = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.chmod")


class Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.canary}",)


class Watch:
    """Notes what no opened file may cause: programs, connections, anything outside its folder."""

    def __init__(self, folder: Path) -> None:
        self.inside = str(folder)
        self.on = False
        self.noted: Counter[str] = Counter()
        sys.addaudithook(self.hook)

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event in RUNS + REACHES:
            self.noted[event] += 1
        elif event == "open":
            path, mode, flags = arguments
            writing = (isinstance(mode, str) and set(mode) & set("wax+")) or (flags or 0) & (
                os.O_WRONLY | os.O_RDWR | os.O_CREAT
            )
            if writing and not isinstance(path, int):
                self.outside(event, path)
        elif event in WRITES:
            self.outside(event, arguments[0])

    def outside(self, event: str, path: Any) -> None:
        if not os.path.realpath(os.fsdecode(path)).startswith(self.inside):
            self.noted[f"{event} {os.fsdecode(path)}"] += 1


def tamper(data: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, cut out, put in, or repeated."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8))):
        start = chance.randrange(len(changed))
        length = chance.choice((1, 1, 2, 4, 64))
        kind = chance.randrange(4)
        if kind == 0:
            changed[start] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        elif kind == 1:
            del changed[start : start + length]
        elif kind == 2:
            changed[start:start] = chance.randbytes(length)
        else:
            changed[start:start] = changed[start : start + length]
        changed = changed or bytearray(b"\0")
    return bytes(changed)


def repack(bundle: bytes, chance: random.Random) -> bytes:
    """One of the archive's entries, most often the pickle, tampered with; the seal is right."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(bundle)) as old, zipfile.ZipFile(packed, "w") as new:
        names = old.namelist()
        target = names[0] if chance.random() < 0.8 else chance.choice(names)
        for name in names:
            data = old.read(name)
            new.writestr(name, tamper(data, chance) if name == target else data)
    return reseal(packed.getvalue())


def with_a_call(content: dict[str, Any], canary: Path, chance: random.Random) -> bytes:
    """A bundle that runs a program where it is unpickled trustingly."""
    part = chance.choice(("metadata", "training_config", "loss_curve_history"))
    packed = io.BytesIO()
    evil = {**content, part: {**content[part], "x": Evil(canary)}}
    torch.save(evil, packed)
    return reseal(packed.getvalue())


def code_file(data: bytes, chance: random.Random) -> bytes:
    """A code file with a header or payload that says something else; the digest is right."""
    _, _, length = PREFIX.unpack_from(data)
    header = data[PREFIX.size : PREFIX.size + length]
    payload = data[PREFIX.size + length : -32]
    if chance.random() < 0.5:
        values = json.loads(header)
        odd = (0, -1, 1 << 31, 1 << 70, 1e30, None, "../../x", [], {}, True, "\x1b[2J")
        values[chance.choice(list(values))] = chance.choice(odd)
        header = json.dumps(values).encode()
    else:
        header = tamper(header, chance)
    body = PREFIX.pack(MAGIC, VERSION, len(header)) + header + payload
    return body + hashlib.sha256(body).digest()


def index(data: bytes, chance: random.Random) -> bytes:
    """An index that lies."""
    if chance.random() < 0.4:
        return tamper(data, chance)
    value = json.loads(data)
    entry = chance.choice(value["models"])
    odd = (*HOSTILE_NAMES, 0, -1, 1e308, None, [], {}, [[]] * 3, True)
    entry[chance.choice(list(entry))] = chance.choice(odd)
    return json.dumps(value).encode()


def peak_mib() -> float:
    """Of this program: getrusage(2) would tell that of the process it was forked from."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if "VmHWM" in line).split()[1]) / 1024


def main() -> None:
    """As described above."""
    folder, count = Path(sys.argv[1]).resolve(), int(sys.argv[2])
    begun_mib, chance = peak_mib(), random.Random(0)
    folder.mkdir()
    inbox, shelf = folder / "inbox", Catalog(folder / "library")
    inbox.mkdir()
    canary = folder / "canary"
    pickle.loads(pickle.dumps(Evil(canary)))
    trap_works = canary.exists()
    canary.unlink()
    good = make_bundle(inbox / "good.distillgan", fields=STATES).read_bytes()
    content = torch.load(inbox / "good.distillgan", weights_only=True)
    for name in ("one", "two"):
        publish_bundle(shelf, name)
    codes = Path(__file__).resolve().parent.parent / "codec" / "golden_v1.distillcodes"
    good_codes, good_index = codes.read_bytes(), (shelf.folder / "model_library.json").read_bytes()
    for number, name in enumerate(HOSTILE_NAMES):  # honest but for what they are called
        make_bundle(inbox / f"named_{number}.distillgan", name=name, tags=[name], description=name)

    def bundle(data: bytes) -> None:
        (inbox / "m.distillgan").write_bytes(data)
        describe(inbox / "m.distillgan")
        read_content(inbox / "m.distillgan")

    def loaded(content: dict[str, Any]) -> None:
        path = save(inbox / "m.distillgan", content)
        describe(path)
        model = load_bundle(path)
        codes = model.encode(torch.zeros(800), 16_000)
        model.decode(codes)
        model.generate(1, length_s=0.05)

    def coded(data: bytes) -> None:
        (inbox / "c.distillcodes").write_bytes(data)
        Codes.load(inbox / "c.distillcodes")

    def catalogue(data: bytes) -> None:
        (shelf.folder / "model_library.json").write_bytes(data)
        library.main(["list", "--library", str(shelf.folder)])
        for entry in shelf.entries():
            assert shelf.path_of(entry).parent == shelf.folder
        shelf.model_path("one")

    ways: list[Callable[[], None]] = [
        lambda: bundle(tamper(good, chance)),
        lambda: bundle(repack(good, chance)),
        lambda: bundle(with_a_call(content, canary, chance)),
        lambda: loaded(alter(content, chance)),
        lambda: coded(tamper(good_codes, chance)),
        lambda: coded(code_file(good_codes, chance)),
        lambda: catalogue(index(good_index, chance)),
    ]
    outcomes: Counter[str] = Counter()
    told = io.StringIO()
    watch = Watch(folder)
    watch.on = True
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        for number in range(count):
            try:
                ways[number % len(ways)]()
                outcomes["opened"] += 1
            except DistillError as error:
                told.write(f"{error}\n")
                outcomes["refused" if "\n" not in str(error) else "refused in several lines"] += 1
            except SystemExit as stop:
                outcomes["refused" if stop.code == 2 else f"exit {stop.code}"] += 1
            except BaseException as error:  # what a user would see as a traceback
                outcomes[f"{type(error).__name__}: {error}"[:200]] += 1
        (shelf.folder / "model_library.json").write_bytes(good_index)
        for number in range(len(HOSTILE_NAMES)):
            library.main(
                ["add", str(inbox / f"named_{number}.distillgan"), "--library", str(shelf.folder)]
            )
        library.main(["list", "--library", str(shelf.folder)])
    watch.on = False
    controls = {letter for letter in told.getvalue() if letter < " " and letter != "\n"}
    print(
        json.dumps(
            {
                "trap_works": trap_works,
                "canary": canary.exists(),
                "outcomes": outcomes,
                "noted": watch.noted,
                "controls": sorted(controls),
                "files": sorted({path.parent.name for path in shelf.folder.rglob("*.distillgan")}),
                "more_mib": peak_mib() - begun_mib,
            }
        )
    )
