"""The folder of a run: on this machine, or behind any URL that fsspec knows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO, Any
from uuid import uuid4

from fsspec import available_protocols
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from abm.runs.names import PARTIAL

UNCHAINED = {"file", "local", "memory"}  # file systems that are in no other one


def find_file_system(url: str) -> tuple[Any, str]:
    """Return the file system of a path or URL, and the path in it.

    Raises
    ------
    ValueError
        If nothing is installed that reads such a URL, or no file system is to be found in another.
    """
    outer = [part.partition("://")[0] for part in url.split("::")[:-1]]
    for name in outer:
        if name in UNCHAINED or name not in available_protocols():
            raise ValueError(
                f"{url} is not a folder that can be reached ({name!r} before '::' is no file "
                f"system in another): give a path without '::', or a chain that fsspec knows"
            )
    try:
        system, root = url_to_fs(url, use_listings_cache=False)
    except (ImportError, ValueError, OSError) as error:
        raise ValueError(
            f"{url} is not a folder that can be reached ({error}): give a path, or a URL of "
            f"a file system that fsspec knows and whose package is installed"
        ) from None
    return system, str(root)


class Store:
    """Files by name below one folder.

    Parameters
    ----------
    url : str or path
        A path, or a URL such as "s3://bucket/study" or "memory://study".

    Raises
    ------
    ValueError
        If nothing is installed that reads such a URL.
    """

    def __init__(self, url: str | Path) -> None:
        self.url = str(url)
        self._fs, self._root = find_file_system(self.url)

    @property
    def local(self) -> bool:
        """Whether the folder is on this machine."""
        return isinstance(self._fs, LocalFileSystem)

    @property
    def shared(self) -> bool:
        """Whether other processes see it."""
        return not isinstance(self._fs, MemoryFileSystem)

    @property
    def gone(self) -> bool:
        """Whether a folder on this machine is not there."""
        return self.local and not self._is_folder

    @property
    def _is_folder(self) -> bool:
        return Path(self._root).is_dir()

    def path(self, name: str = "") -> str:
        """Return the path of a file in its file system."""
        return f"{self._root}/{name}" if name else self._root

    def write(self, name: str, content: bytes) -> None:
        """Write a file into the folder, which must exist, or into one below it.

        The file appears as a whole.
        """
        if not self.local:
            self._fs.pipe_file(self.path(name), content)
            return
        with self.create(name) as file:
            file.write(content)

    @contextmanager
    def create(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file to write it piece by piece.

        On this machine it appears, in place of an earlier one, when the context ends; after an
        error it does not.
        """
        if not self.local:
            with self._fs.open(self.path(name), "wb") as file:
                yield file
            return
        target = Path(self.path(name))
        if target.parent != Path(self._root):  # which is not made again, should it be gone
            target.parent.mkdir(exist_ok=True)
        hidden = target.with_name(f".{target.name}.{uuid4().hex}.market-shock")  # as PARTIAL
        try:
            with hidden.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            hidden.replace(target)
        finally:
            hidden.unlink(missing_ok=True)

    def append(self, name: str, line: str) -> None:
        """Add a line to a file; where files cannot grow it is rewritten."""
        added = f"{line}\n".encode()
        if self.local:
            with Path(self.path(name)).open("ab") as file:
                file.write(added)
        else:
            earlier = self.read(name) if self.holds(name) else b""
            self._fs.pipe_file(self.path(name), earlier + added)

    def read(self, name: str) -> bytes:
        """Return the whole of a file."""
        return bytes(self._fs.cat_file(self.path(name)))

    def open(self, name: str) -> IO[bytes]:
        """Open a file to read it."""
        return self._fs.open(self.path(name), "rb")

    def holds(self, name: str) -> bool:
        """Whether there is such a file."""
        return bool(self._fs.isfile(self.path(name)))

    def is_file(self) -> bool:
        """Whether the path of the folder is a file's, a device's or the like."""
        if self.local:
            return Path(self._root).exists() and not self._is_folder
        return bool(self._fs.isfile(self._root))

    def sizes(self) -> dict[str, int]:
        """Return the size in bytes of each file, also in folders below."""
        files = self._fs.find(self._root, detail=True)
        return {
            str(PurePosixPath(path).relative_to(self._root)): int(details["size"])
            for path, details in files.items()
            if not PARTIAL.fullmatch(PurePosixPath(path).name)
        }

    def list_strange(self) -> list[str]:
        """Return the paths below the folder that are neither files nor folders; none behind a URL.

        They are links, pipes, sockets and the like.
        """
        return [
            entry.path
            for entry in self._walk()
            if not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False))
        ]

    def list_folders(self) -> list[str]:
        """Return the names of folders below the folder, the innermost first; none behind a URL."""
        folders = [Path(entry.path) for entry in self._walk() if entry.is_dir()]
        return [folder.relative_to(self._root).as_posix() for folder in reversed(folders)]

    def _walk(self) -> Iterator[os.DirEntry[str]]:
        """Yield all that is below a local folder, a folder before what is in it."""
        folders = [self._root] if self.local and not self.gone else []
        for folder in folders:  # which grows
            with os.scandir(folder) as entries:
                for entry in entries:
                    yield entry
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)

    def remove_partial_files(self) -> None:
        """Remove files that a kill left partly written."""
        for path in self._fs.find(self._root):
            if PARTIAL.fullmatch(PurePosixPath(path).name):
                with suppress(FileNotFoundError):  # its writer may be alive, and have renamed it
                    self._fs.rm_file(path)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        if self.local:
            Path(self.path(name)).unlink(missing_ok=True)
        elif self.holds(name):
            self._fs.rm_file(self.path(name))

    def rename(self, name: str, other: str) -> None:
        """Give a file another name; behind a URL, it is written again."""
        if self.local:
            Path(self.path(name)).rename(self.path(other))
        else:
            self.write(other, self.read(name))
            self.remove(name)

    def remove_folders(self) -> None:
        """Remove the folder and those below it, which must be empty; behind a URL there is none."""
        for folder in [*self.list_folders(), ""] if self.local else ():
            with suppress(FileNotFoundError):
                Path(self.path(folder)).rmdir()
