"""Removal of a run: of the files that a run writes, one by one, and of nothing else.

Whatever else is in the folder is an error before anything is removed. The description goes last,
so that what a kill leaves of a removal is known for what it is; and it has the name of an
unfinished run's meanwhile, so that nothing half removed looks whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from contextlib import suppress

from abm.numerics.describe import list_some, show_plainly
from abm.runs.errors import FolderTakenError
from abm.runs.names import BOOKKEEPING, find_block, is_listed, is_study_file
from abm.runs.schema import BLOCKS, MANIFEST_FILE, RUN_FILE, UNFINISHED_FILE
from abm.runs.store import Store

UNREADABLE = (OSError, ValueError, KeyError, TypeError, RecursionError)  # as a description may be


def refuse_links(store: Store) -> None:
    """Raise FolderTakenError if there are links in a folder, or it is one."""
    if links := store.list_links():
        raise FolderTakenError(
            f"{links[0]} is a link, and what it leads to is no part of a run: put the file itself "
            f"in its place, or choose another folder (--out)"
        )


def refuse_foreign(store: Store) -> None:
    """Raise FolderTakenError if a folder holds what no run wrote there.

    A whole run's description lists all files. Before a run is whole, those are a run's too that a
    study leaves; and without a description, blocks that nothing has noted.
    """
    files = store.sizes().keys()
    is_own = _choose_rule(files)
    strange = [name for name in files - BOOKKEEPING - _list_described(store) if not is_own(name)]
    strange += [f"{name}/" for name in store.list_folders() if name != BLOCKS]
    if strange:
        names = list_some(map(show_plainly, sorted(strange)))
        raise FolderTakenError(
            f"{store.path()} holds {names}, which no run wrote there and which would be lost: "
            f"move it away, or choose another folder (--out)"
        )


def _choose_rule(files: Collection[str]) -> Callable[[str], bool]:
    """Return what says whether a file that no description lists is a run's nevertheless."""
    if RUN_FILE in files:
        return lambda _: False
    if UNFINISHED_FILE in files:
        return is_study_file
    return lambda name: MANIFEST_FILE not in files and bool(find_block(name))


def remove_run(store: Store) -> None:
    """Remove the files of a run, and then its folder; FolderTakenError if there are others."""
    refuse_links(store)
    refuse_foreign(store)
    if store.holds(UNFINISHED_FILE):
        store.remove(RUN_FILE)
    elif store.holds(RUN_FILE):
        store.rename(RUN_FILE, UNFINISHED_FILE)
    store.remove_partial_files()
    for name in sorted(store.sizes(), key=lambda name: name == UNFINISHED_FILE):
        store.remove(name)
    store.remove_folders()


def _list_described(store: Store) -> set[str]:
    """Return the files that the description in a folder lists; none if it cannot be read."""
    listed: set[str] = set()
    for file in (RUN_FILE, UNFINISHED_FILE):
        with suppress(*UNREADABLE):
            listed.update(filter(is_listed, json.loads(store.read(file))["files"]))
    return listed
