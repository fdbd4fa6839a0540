"""What an earlier run left in a folder, held against the run that goes on with it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace

from abm.runs.description import Description
from abm.runs.errors import DamageWarning, FolderTakenError
from abm.runs.integrity import Origins, find_faults
from abm.runs.manifest import Manifest
from abm.runs.names import find_block, find_point
from abm.runs.schema import RUN_FILE
from abm.runs.store import Store


def check_whole_run(
    home: Store, run: Description, origins: Origins, *, every_byte: bool
) -> dict[str, str]:
    """Return the fault of each file of a whole run that is not as it was written, by its name.

    FolderTakenError if it was begun with other versions or code.
    """
    there = Description.read(home, RUN_FILE)
    run.require_same_versions(there, home.path())
    faults = find_faults(home, there.files, origins, every_byte=every_byte)
    in_order = sorted(there.files, key=lambda name: (bool(find_block(name)), name))
    files = {name: there.files[name] for name in in_order}
    expected = replace(run, views=there.views, files=files)
    if every_byte and home.read(RUN_FILE) != expected.to_json():
        faults[RUN_FILE] = "has other bytes than the run wrote"
    return faults


def warn_of_faults(faults: Mapping[str, str], home: Store, manifest: Manifest) -> None:
    """Warn of files that are made again, but for those of blocks, of which the manifest does."""
    for name, fault in faults.items():
        if name not in manifest.stamps:
            warning = f"{home.path(name)} {fault}: it is made again"
            warnings.warn(warning, DamageWarning, stacklevel=2)


def restore_blocks(
    manifest: Manifest, run: Description, origins: Origins, *, every_byte: bool
) -> None:
    """Restore a manifest; FolderTakenError if it has blocks of a point that the run has not."""
    manifest.restore(origins, every_byte=every_byte)
    points = len(run.points)
    beyond = [block for block in manifest.finished if find_point(block) >= points > 0]
    if beyond:
        raise FolderTakenError(
            f"{manifest.store.path()} holds the block {beyond[0]}, but the run has {points} "
            f"points: move its file away, or choose another folder (--out)"
        )


def explain_failure(store: Store, manifest: Manifest, error: OSError) -> str:
    """Return why a run could not write to its folder, what is kept, and what to do."""
    if store.gone:
        return (
            f"{store.path()} is gone: it was removed or renamed while the run wrote there. "
            f"{manifest.status}: put it back and continue with --resume, or begin anew"
        )
    return (
        f"{store.path()} cannot be written ({error.strerror or error}). "
        f"{manifest.status}: make room there, then continue with --resume"
    )
