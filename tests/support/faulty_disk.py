"""A disk for SQLite that records each operation, and fails when a test tells it to.

SQLite reaches files through a table of functions, its VFS.  This module makes a VFS that sends each
write and each sync through Python before the real VFS does it.  The SQLite is real: it decides by
itself what to do after an error.

See https://www.sqlite.org/vfs.html.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

OK = 0
FULL = 13
IOERR_WRITE = 10 | 3 << 8
IOERR_FSYNC = 10 | 4 << 8
IOERR_SHMMAP = 10 | 21 << 8

_P, _I, _L = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
_WRITE = ctypes.CFUNCTYPE(_I, _P, _P, _I, _L)
_TRUNCATE = ctypes.CFUNCTYPE(_I, _P, _L)
_SYNC = ctypes.CFUNCTYPE(_I, _P, _I)
_SHMMAP = ctypes.CFUNCTYPE(_I, _P, _I, _I, _I, _P)
_OPEN = ctypes.CFUNCTYPE(_I, _P, _P, _P, _I, _P)
_DELETE = ctypes.CFUNCTYPE(_I, _P, ctypes.c_char_p, _I)


class _Methods(ctypes.Structure):
    _fields_ = [
        ("version", _I),
        ("close", _P),
        ("read", _P),
        ("write", _P),
        ("truncate", _P),
        ("sync", _P),
        ("before_shm", _P * 7),
        ("shm_map", _P),
        ("after_shm", _P * 5),
    ]


class _File(ctypes.Structure):
    _fields_ = [("methods", ctypes.POINTER(_Methods))]


class _Vfs(ctypes.Structure):
    _fields_ = [
        ("version", _I),
        ("size", _I),
        ("longest_path", _I),
        ("next", _P),
        ("name", ctypes.c_char_p),
        ("data", _P),
        ("open", _P),
        ("delete", _P),
        ("others", _P * 15),
    ]


@dataclass(frozen=True)
class Operation:
    """What SQLite did to a file.

    ``kind`` is one of: ``write`` of ``data`` at ``offset``; ``truncate`` to ``offset``; ``sync``;
    ``delete``; ``map`` of page ``offset`` of the log's index; or ``note``, when the test itself
    put ``about`` into the record.
    """

    kind: Literal["write", "truncate", "sync", "delete", "map", "note"]
    path: str = ""
    offset: int = 0
    data: bytes = b""
    about: Any = None


@dataclass
class FaultyDisk:
    """A disk that fails on demand.

    ``record`` holds every operation so far.  SQLite asks ``fault`` before each operation.  The
    answer None lets the operation happen.  Another answer says how many of its bytes to write and
    which error code to return.
    """

    record: list[Operation] = field(default_factory=list)
    fault: Callable[[Operation], tuple[int, int] | None] = lambda operation: None
    _kept: list[object] = field(default_factory=list)
    _names: dict[int, str] = field(default_factory=dict)
    _tables: dict[int, _Methods] = field(default_factory=dict)

    def note(self, about: Any) -> None:
        """Put a note into the record, between the operations."""
        self.record.append(Operation("note", about=about))

    def fail_once(
        self, kind: str, suffix: str, code: int, *, written: int = 0, after: str = ""
    ) -> None:
        """Let the next operation of ``kind`` on a file with this suffix fail once.

        :param code: SQLite's error code.
        :param written: how many bytes it writes before it fails.
        :param after: it waits until SQLite has written to a file with this suffix.
        """
        armed = not after

        def fault(operation: Operation) -> tuple[int, int] | None:
            nonlocal armed
            armed = armed or (operation.kind == "write" and operation.path.endswith(after))
            if not armed or operation.kind != kind or not operation.path.endswith(suffix):
                return None
            self.mend()
            return written, code

        self.fault = fault

    def fail_always(self, kind: str, code: int) -> None:
        self.fault = lambda operation: (0, code) if operation.kind == kind else None

    def mend(self) -> None:
        self.fault = lambda operation: None

    @contextmanager
    def mounted(self) -> Iterator[FaultyDisk]:
        """Put every connection that a test opens meanwhile on this disk."""
        library = sqlite_library()
        plain = library.sqlite3_vfs_find(None)
        vfs = _Vfs()
        ctypes.memmove(ctypes.byref(vfs), plain, ctypes.sizeof(_Vfs))
        original_open = ctypes.cast(vfs.open, _OPEN)

        def open_file(
            _vfs: int, name: int | None, file: int, flags: int, out_flags: int | None
        ) -> int:
            # The name is passed as an address: SQLite keeps it as long as the file is open.
            code = int(original_open(plain, name, file, flags, out_flags))
            if code == OK and name is not None:
                self._names[file] = ctypes.string_at(name).decode()
                self._patch(file)
            return code

        original_delete = ctypes.cast(vfs.delete, _DELETE)

        def delete_file(_vfs: int, name: bytes, sync_folder: int) -> int:
            operation = Operation("delete", name.decode())
            return self._do(operation, lambda most: original_delete(plain, name, sync_folder))

        opener, deleter = _OPEN(open_file), _DELETE(delete_file)
        vfs.name, vfs.next = b"granja-faulty-disk", None
        vfs.open, vfs.delete = ctypes.cast(opener, _P), ctypes.cast(deleter, _P)
        self._kept += [vfs, opener, deleter]
        library.sqlite3_vfs_register(ctypes.byref(vfs), 1)
        try:
            yield self
        finally:
            library.sqlite3_vfs_unregister(ctypes.byref(vfs))
            library.sqlite3_vfs_register(plain, 1)

    def _patch(self, address: int) -> None:
        """Send the writes and syncs of an open file through this object."""
        file = _File.from_address(address)
        original = ctypes.addressof(file.methods.contents)
        if original not in self._tables:
            self._tables[original] = self._table(file.methods.contents)
        file.methods = ctypes.pointer(self._tables[original])

    def _table(self, plain: _Methods) -> _Methods:
        write, truncate = ctypes.cast(plain.write, _WRITE), ctypes.cast(plain.truncate, _TRUNCATE)
        sync, shm_map = ctypes.cast(plain.sync, _SYNC), ctypes.cast(plain.shm_map, _SHMMAP)

        def on_write(file: int, data: int, size: int, offset: int) -> int:
            content = ctypes.string_at(data, size)
            operation = Operation("write", self._names[file], offset, content)
            return self._do(operation, lambda most: write(file, data, min(most, size), offset))

        def on_truncate(file: int, size: int) -> int:
            operation = Operation("truncate", self._names[file], size)
            return self._do(operation, lambda most: truncate(file, size))

        def on_sync(file: int, flags: int) -> int:
            operation = Operation("sync", self._names[file])
            return self._do(operation, lambda most: sync(file, flags))

        def on_map(file: int, page: int, size: int, extend: int, out: int) -> int:
            operation = Operation("map", self._names[file], page)
            return self._do(operation, lambda most: shm_map(file, page, size, extend, out))

        table = _Methods()
        ctypes.memmove(ctypes.byref(table), ctypes.byref(plain), ctypes.sizeof(_Methods))
        wrappers = (_WRITE(on_write), _TRUNCATE(on_truncate), _SYNC(on_sync), _SHMMAP(on_map))
        table.write, table.truncate, table.sync, table.shm_map = (
            ctypes.cast(wrapper, _P) for wrapper in wrappers
        )
        self._kept += [plain, *wrappers]
        return table

    def _do(self, operation: Operation, really: Callable[[int], int]) -> int:
        fault = self.fault(operation)
        if fault is None:
            self.record.append(operation)
            return really(sys.maxsize)
        written, code = fault
        if written:
            really(written)
        return code


def sqlite_library() -> ctypes.CDLL:
    """The same SQLite library that :mod:`sqlite3` uses.

    :raises AttributeError: when the interpreter has SQLite built in, so that nobody can reach it.
    """
    library = ctypes.CDLL(_sqlite3.__file__)
    library.sqlite3_vfs_find.restype = _P
    library.sqlite3_vfs_find.argtypes = [ctypes.c_char_p]
    library.sqlite3_vfs_register.argtypes = [_P, _I]
    library.sqlite3_vfs_unregister.argtypes = [_P]
    return library


# -- what a crash leaves on the disk ------------------------------------------------------------


def after_kill(record: list[Operation]) -> dict[str, bytes]:
    """The files after ``kill -9``: everything written, because the kernel still runs."""
    files: dict[str, bytearray] = {}
    for operation in record:
        _apply(files, operation)
    return {path: bytes(content) for path, content in files.items()}


def after_power_cut(
    record: list[Operation], survives: Callable[[Operation], bool]
) -> dict[str, bytes]:
    """The files after a power cut: everything synced, and the other operations that ``survives``.

    SQLite's VFS syncs the folder together with a new log or journal.  At that moment a deletion in
    the folder becomes durable too.
    """
    files: dict[str, bytearray] = {}
    unsynced: list[Operation] = []
    synced_once: set[str] = set()
    for operation in record:
        if operation.kind == "sync":
            folder_too = operation.path not in synced_once
            synced_once.add(operation.path)
            waiting, unsynced = unsynced, []
            for earlier in waiting:
                if earlier.path == operation.path or (folder_too and earlier.kind == "delete"):
                    _apply(files, earlier)
                else:
                    unsynced.append(earlier)
        elif operation.kind in ("write", "truncate", "delete"):
            unsynced.append(operation)
    for operation in filter(survives, unsynced):
        _apply(files, operation)
    return {path: bytes(content) for path, content in files.items()}


def lay_out(files: dict[str, bytes], folder: Path) -> None:
    """Write those files into a new folder, under their own names."""
    folder.mkdir()
    for path, content in files.items():
        (folder / Path(path).name).write_bytes(content)


def _apply(files: dict[str, bytearray], operation: Operation) -> None:
    if operation.kind == "write":
        content = files.setdefault(operation.path, bytearray())
        content.extend(bytes(max(0, operation.offset - len(content))))
        content[operation.offset : operation.offset + len(operation.data)] = operation.data
    elif operation.kind == "delete":
        files.pop(operation.path, None)
    elif operation.kind == "truncate":
        content = files.setdefault(operation.path, bytearray())
        del content[operation.offset :]
