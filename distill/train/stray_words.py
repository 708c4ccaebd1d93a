"""words of `distill train` → an error where the shell has cut a name with spaces into words."""

from __future__ import annotations

from collections.abc import Sequence

from distill.errors import DistillError
from distill.settings.schema import FOLDERS, PATH_KEYS
from distill.system.paths import exists, is_folder
from distill.system.shell import shell_word


def check_spaces(words: Sequence[str]) -> None:
    """Raise DistillError with the words to type if the first stray word belongs to its neighbours.

    `words` are all words as typed.
    """
    stray = next((place for place in range(len(words)) if _is_stray(words, place)), None)
    if stray is None:
        return
    begin, end = stray, stray + 1
    while begin > 0 and _is_bare(words[begin - 1]):
        begin -= 1
    while end < len(words) and _is_bare(words[end]):
        end += 1
    from distill.settings.quoting import to_type  # Hydra: only for mistakes

    for first in range(max(0, begin - 1), stray + 1):
        for last in range(end, stray, -1):
            joined = " ".join(words[first:last])
            if last - first > 1 and (meant := _meaning(joined)):
                raise DistillError(
                    f"{joined}: without quotes, the shell cuts this into {last - first} words; "
                    f"type {to_type(meant)}"
                )


def check_folder(flag: str, folder: str, words: Sequence[str]) -> None:
    """Raise DistillError with the words to type if the first of all words, as typed, that is this
    folder is only the beginning of the name of one that is there.
    """
    begin = words.index(folder) if folder in words and not is_folder(folder) else len(words)
    for end in range(begin + 2, len(words) + 1):
        joined = " ".join(words[begin:end])
        if is_folder(joined):
            raise DistillError(
                f"{joined}: without quotes, the shell cuts this into {end - begin} words; "
                f"type {flag} {shell_word(joined)}"
            )


def _meaning(joined: str) -> str | None:
    """What to type for words that belong together; None if they do not."""
    from distill.settings.quoting import quote_folders, several_folders

    key, equals, value = joined.partition("=")
    if not equals:
        return joined if is_folder(joined) else None
    if key == FOLDERS and value[:1] == "[" and value[-1:] == "]":
        return quote_folders(several_folders(value))
    if key == "name" or (key in PATH_KEYS and exists(value)):
        return joined
    return None


def _is_stray(words: Sequence[str], place: int) -> bool:
    """Whether the word is no folder, or stands behind the beginning of a path."""
    if not _is_bare(words[place]):
        return False
    key, equals, value = words[place - 1].partition("=") if place else ("", "", "")
    is_behind = bool(equals) and key in PATH_KEYS and not exists(value)
    return is_behind or not is_folder(words[place])


def _is_bare(word: str) -> bool:
    return "=" not in word and not word.startswith("-")
