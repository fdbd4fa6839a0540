"""The folder of a run: on this machine, or behind any URL that fsspec knows."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import IO
from uuid import uuid4

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem

PARTIAL = re.compile(r"\..+\.[0-9a-f]{32}")  # the name of a file while it is written


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
        try:
            self._fs, self._root = url_to_fs(self.url, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise ValueError(
                f"{url} is not a folder that can be reached ({error}): give a path, or a URL of "
                f"a file system that fsspec knows and whose package is installed"
            ) from None

    @property
    def local(self) -> bool:
        """Whether the folder is on this machine."""
        return isinstance(self._fs, LocalFileSystem)

    @property
    def shared(self) -> bool:
        """Whether other processes see it."""
        return not isinstance(self._fs, MemoryFileSystem)

    def path(self, name: str = "") -> str:
        """Return the path of a file in its file system."""
        return f"{self._root}/{name}" if name else str(self._root)

    def write(self, name: str, content: bytes) -> None:
        """Write a file into the folder, which must exist, or into one below it.

        The file appears as a whole.
        """
        if not self.local:
            self._fs.pipe_file(self.path(name), content)
            return
        target = Path(self.path(name))
        target.parent.mkdir(exist_ok=True)
        hidden = target.with_name(f".{target.name}.{uuid4().hex}")  # as PARTIAL
        try:
            with hidden.open("wb") as file:
                file.write(content)
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

    def open(self, name: str, mode: str = "rb") -> IO[bytes]:
        """Open a file to read it, or to write it piece by piece."""
        return self._fs.open(self.path(name), mode)

    def holds(self, name: str) -> bool:
        """Whether there is such a file."""
        return bool(self._fs.isfile(self.path(name)))

    def is_file(self) -> bool:
        """Whether the path of the folder is a file's."""
        return bool(self._fs.isfile(self._root))

    def sizes(self) -> dict[str, int]:
        """Return the size in bytes of each file, also in folders below."""
        files = self._fs.find(self._root, detail=True)
        return {
            str(PurePosixPath(path).relative_to(self._root)): int(details["size"])
            for path, details in files.items()
            if not PARTIAL.fullmatch(PurePosixPath(path).name)
        }

    def remove_partial_files(self) -> None:
        """Remove files that a kill left partly written."""
        for path in self._fs.find(self._root):
            if PARTIAL.fullmatch(PurePosixPath(path).name):
                with suppress(FileNotFoundError):  # its writer may be alive, and have renamed it
                    self._fs.rm_file(path)

    def remove(self, name: str = "") -> None:
        """Remove a file, or the folder with all its files."""
        path = self.path(name)
        if self.local and Path(path).is_dir():
            shutil.rmtree(path)
        elif self.local:
            Path(path).unlink(missing_ok=True)
        else:
            for file in self._fs.find(path):
                self._fs.rm_file(file)
