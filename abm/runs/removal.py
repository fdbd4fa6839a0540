"""Removal of a run: of the files that a run writes, one by one, and of nothing else.

Whatever else is in the folder is an error before anything is removed. The description goes last,
so that what a kill leaves of a removal is known for what it is; and it has the name of an
unfinished run's meanwhile, so that nothing half removed looks whole.
"""

from __future__ import annotations

from pathlib import Path

from abm.numerics.describe import list_some, show_plainly
from abm.runs.description import Description
from abm.runs.errors import FolderTakenError
from abm.runs.integrity import read_block_stamp
from abm.runs.names import BOOKKEEPING, find_block, is_study_file
from abm.runs.schema import BLOCKS, RUN_FILE, UNFINISHED_FILE
from abm.runs.store import Store


def refuse_strange(store: Store) -> None:
    """Raise FolderTakenError if a folder, or something in it, is a link, a pipe or the like."""
    if strange := store.list_strange():
        linked = "a link, and what it leads to is" if Path(strange[0]).is_symlink() else "a pipe,"
        raise FolderTakenError(
            f"{strange[0]} is {linked} no part of a run: put the file itself in its place, or "
            f"choose another folder (--out)"
        )


def refuse_foreign(store: Store) -> None:
    """Raise FolderTakenError if a folder holds what no run wrote there.

    A description lists a run's files; before the run is whole, those are its too that a study
    leaves. Without a description blocks are: a worker of a killed run may have been at one while
    all else was removed.
    """
    files = store.sizes().keys()
    described = [file for file in (RUN_FILE, UNFINISHED_FILE) if file in files]
    own = {name for file in described for name in Description.read(store, file).files}
    if described:
        own |= BOOKKEEPING
        own |= set() if RUN_FILE in files else set(filter(is_study_file, files))
    else:
        own |= {name for name in files if _is_block(store, name)}
    strange = sorted(files - own)
    strange += [f"{name}/" for name in store.list_folders() if name != BLOCKS]
    if strange:
        raise FolderTakenError(
            f"{store.path()} holds {list_some(map(show_plainly, strange))}, which no run wrote "
            f"there and which would be lost: move it away, or choose another folder (--out)"
        )


def _is_block(store: Store, name: str) -> bool:
    """Whether a file is a block, and says so itself."""
    block = find_block(name)
    return bool(block) and read_block_stamp(block, store.read(name)) is not None


def remove_run(store: Store) -> None:
    """Remove the files of a run, and then its folder; FolderTakenError if there are others."""
    refuse_strange(store)
    refuse_foreign(store)
    if store.holds(UNFINISHED_FILE):
        store.remove(RUN_FILE)
    elif store.holds(RUN_FILE):
        store.rename(RUN_FILE, UNFINISHED_FILE)
    store.remove_partial_files()
    for name in sorted(store.sizes(), key=lambda name: name == UNFINISHED_FILE):
        store.remove(name)
    store.remove_folders()
