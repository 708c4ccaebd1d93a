"""folders → every file found, checked and cached: a collection."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from itertools import islice
from pathlib import Path

from distill.audio.reader import status_of
from distill.audio.reasons import Reason, UnusableError
from distill.audio.walk import walk
from distill.data.cache import CacheConfig, WaveformCache
from distill.data.cache_index import Decoded, FileState
from distill.data.collection import Collection, LeftOut, Sound
from distill.errors import CollectionError
from distill.system.paths import from_here
from distill.system.stopping import raise_if_stopped
from distill.system.terminal import quantity

FLUSH_EVERY = 64
WORKERS = 4
"""Decoding threads; libsndfile and soxr work without Python's lock."""
PASSING = (Reason.UNREADABLE, Reason.CHANGED)
"""Reasons that may not apply the next time: such a file is tried again."""


def scan(
    folders: Sequence[Path],
    *,
    name: str,
    cache_folder: Path,
    config: CacheConfig,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Collection:
    """Find, check and cache every file below `folders`.

    `progress` is called with the number of files done and of all files. A file that did not change
    since the last scan is not opened. Raises CollectionError if no file is usable or the cache
    cannot be written.
    """
    try:
        cache = WaveformCache(cache_folder, config)
    except (OSError, sqlite3.Error) as error:
        raise _cannot_be_written(cache_folder, error) from error
    try:
        outcomes = _decode_all(folders, cache, progress)
    except (OSError, sqlite3.Error) as error:
        raise _cannot_be_written(cache_folder, error) from error
    finally:
        cache.close()
    sounds, left_out = _sort_out(outcomes, cache)
    collection = Collection(
        name, tuple(map(str, folders)), config.sample_rate_hz, tuple(sounds), tuple(left_out)
    )
    if not sounds:
        shown = collection.reasons_in_words()
        if len(left_out) == 1:
            shown = f"1 {left_out[0].text}"
        example = f"; the first: {left_out[0].path}: {left_out[0].text}" if left_out else ""
        where = ", ".join(str(from_here(folder)) for folder in folders)
        found = (
            f"{quantity(len(left_out), 'file')}, none usable ({shown}){example}"
            if left_out
            else "the folder is empty"
        )
        raise CollectionError(f"{where}: no usable sound: {found}")
    return collection


def _decode_all(
    folders: Sequence[Path],
    cache: WaveformCache,
    progress: Callable[[int, int], None],
) -> list[tuple[str, Decoded]]:
    paths: list[Path] = []
    known = cache.index.rows()
    outcomes: dict[str, Decoded] = {}
    waiting: list[tuple[Path, FileState]] = []
    for path, reason, detail in walk(folders):
        paths.append(path)
        if reason:
            outcomes[str(path)] = Decoded(reason, detail)
            continue
        try:
            state = FileState.of(status_of(path))
        except UnusableError as error:
            outcomes[str(path)] = Decoded(error.reason, error.detail)
            continue
        row = known.get((_key(path), state))
        if row and (row.reason or cache.holds(row)):
            outcomes[str(path)] = row
        else:
            waiting.append((path, state))
    progress(len(outcomes), len(paths))
    with ThreadPoolExecutor(WORKERS) as pool:
        queue = iter(waiting)
        running: dict[Future[Decoded], tuple[Path, FileState]] = {}
        try:
            while True:
                for path, state in islice(queue, 4 * WORKERS - len(running)):
                    running[pool.submit(_decode_one, cache, path)] = path, state
                if not running:
                    break
                for future in wait_for(running, return_when="FIRST_COMPLETED").done:
                    path, state = running.pop(future)
                    decoded = outcomes[str(path)] = future.result()
                    if decoded.reason not in PASSING:
                        cache.index.remember(_key(path), state, decoded)
                    raise_if_stopped()
                    if len(outcomes) % FLUSH_EVERY == 0:
                        cache.index.flush()
                    progress(len(outcomes), len(paths))
        finally:
            pool.shutdown(cancel_futures=True)
    cache.index.flush()
    return [(str(path), outcomes[str(path)]) for path in paths]


def _decode_one(cache: WaveformCache, path: Path) -> Decoded:
    try:
        return cache.decode(path)
    except OSError as error:
        raise _cannot_be_written(cache.folder.parent, error, f" for {path}") from error


def _cannot_be_written(
    cache_folder: Path, error: OSError | sqlite3.Error, what: str = ""
) -> CollectionError:
    cause = getattr(error, "strerror", None) or str(error)
    return CollectionError(
        f"data.cache_dir={cache_folder}: cannot be written{what}: {cause}; "
        "free some space or choose another folder; the sounds decoded so far are kept"
    )


def _key(path: Path) -> str:
    """The path as stored in the index: absolute, with bytes that are not Unicode escaped."""
    absolute = os.path.join(os.getcwd(), path)  # much faster than Path.absolute for 50,000 files
    return os.fsencode(absolute).decode("utf-8", errors="backslashreplace")


def _sort_out(
    outcomes: list[tuple[str, Decoded]], cache: WaveformCache
) -> tuple[list[Sound], list[LeftOut]]:
    sounds: dict[str, Sound] = {}
    left_out: list[LeftOut] = []
    for path, decoded in outcomes:
        if decoded.reason:
            left_out.append(LeftOut(path, decoded.reason, decoded.detail))
        elif decoded.content in sounds:
            left_out.append(LeftOut(path, Reason.DUPLICATE, sounds[decoded.content].path))
        else:
            sounds[decoded.content] = Sound(
                path,
                decoded.content,
                decoded.samples,
                decoded.samples / cache.config.sample_rate_hz,
                decoded.source_rate_hz,
                decoded.channels,
                cache.waveform_path(decoded.content),
                decoded.active,
                decoded.notes,
            )
    order = list(Reason)
    return list(sounds.values()), sorted(left_out, key=lambda file: order.index(file.reason))
