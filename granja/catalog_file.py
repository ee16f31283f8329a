"""Reads the catalog and other text files that an operator names."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from granja.contract.catalog import Catalog
from granja.contract.errors import ConfigurationError


def read_catalog(path: str | None) -> Catalog:
    """The catalog in a file, or the packaged one.

    :raises ConfigurationError: when it cannot be read or is no catalog.
    """
    if path is None:
        return Catalog.parse((files("granja") / "artefactos.json").read_text("utf-8"))
    return Catalog.parse(read_text(path), path)


def is_lasting(path: str | None) -> bool:
    """Whether the file can be read a second time.

    A pipe (``--motd <(fortune)``) cannot: it would give nothing, and the reader would wait.
    """
    return path is None or not Path(path).exists() or Path(path).is_file()


def read_text(path: str) -> str:
    """The text of a file.

    :raises ConfigurationError: when it cannot be read, or is no UTF-8.
    """
    try:
        return Path(path).read_text("utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"cannot read {path}: it is not UTF-8 text") from None
