"""Where files are, what is in them, and how they come to harm."""

from pathlib import Path, PurePosixPath

from fsspec.core import url_to_fs

from abm.runs.schema import MANIFEST_FILE
from abm.runs.store import Store

ROOT = Path(__file__).parents[1]


def read_files(folder: str | Path) -> dict[str, bytes]:
    """Return the bytes of every file below a folder or URL, but the manifest, which has times."""
    system, root = url_to_fs(str(folder))
    files = {str(PurePosixPath(file).relative_to(root)): file for file in system.find(root)}
    return {
        name: system.cat_file(file)
        for name, file in files.items()
        if PurePosixPath(file).name != MANIFEST_FILE
    }


def empty_folder(url: str) -> None:
    """Remove every file below a folder or URL."""
    store = Store(url)
    for name in store.sizes():
        store.remove(name)


def partial_of(out: Path) -> Path:
    """Return the folder of a run before it has ended."""
    return out.with_name(f".{out.name}.partial")


def removed(file: Path) -> None:
    """Remove a file."""
    file.unlink()


def emptied(file: Path) -> None:
    """Leave no byte in a file."""
    file.write_bytes(b"")


def truncated(file: Path) -> None:
    """Take the last bytes off a file."""
    file.write_bytes(file.read_bytes()[:-100])


def zeroed(file: Path) -> None:
    """Make every byte of a file zero."""
    file.write_bytes(bytes(file.stat().st_size))


def with_a_bit_turned(file: Path) -> None:
    """Turn a bit in the middle of a file."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
