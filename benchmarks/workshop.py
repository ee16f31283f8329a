"""Compiles the C programs into a folder that exists as long as the run."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

NATIVE = Path(__file__).with_name("native")
GENERATOR = ("run.c", "tls.c", "wire.c", "tally.c", "dialects.c", "modes.c", "generator.c")
FLAGS = ("-O2", "-std=gnu11", "-Wall", "-Wextra")
OPENSSL = ("-DWITH_TLS", "-lssl", "-lcrypto")


class NoCompilerError(Exception):
    """This machine has no C compiler."""


@dataclass(frozen=True)
class Workshop:
    """The run's folder and its programs."""

    folder: Path
    generator: Path
    fanout: Path
    tls: bool

    @classmethod
    def build(cls, folder: Path) -> Workshop:
        """Compile everything into ``folder``.

        :raises NoCompilerError: when there is no compiler.
        """
        compiler = find_compiler()
        generator, fanout = folder / "generator", folder / "fanout"
        sources = [str(NATIVE / name) for name in GENERATOR]
        tls = compile_quietly([compiler, *FLAGS, *sources, "-o", str(generator), *OPENSSL])
        if not tls:
            run_compiler([compiler, *FLAGS, *sources, "-o", str(generator)])
        with_tls = OPENSSL if tls else ()
        run_compiler([compiler, *FLAGS, str(NATIVE / "fanout.c"), "-o", str(fanout), *with_tls])
        return cls(folder, generator, fanout, tls)


def find_compiler() -> str:
    for name in ("cc", "gcc", "clang"):
        path = shutil.which(name)
        if path:
            return path
    raise NoCompilerError("the benchmark needs a C compiler (cc, gcc or clang): apt install gcc")


def compile_quietly(command: list[str]) -> bool:
    """Whether it compiled.  Without OpenSSL's headers it does not, and then there is no TLS."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def run_compiler(command: list[str]) -> None:
    subprocess.run(command, check=True)
