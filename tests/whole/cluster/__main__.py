"""``python -m tests.whole.cluster``"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from unittest import SkipTest

from granja.ledger.postgresql.lease import LASTS
from tests.support import nats, postgresql
from tests.whole import cluster
from tests.whole.cluster.faults import happen, schedule
from tests.whole.cluster.machines import Machines
from tests.whole.cluster.run import ClusterTest


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.whole.cluster",
        description=cluster.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--faults", type=int, default=20, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="repeat the same choices")
    parser.add_argument(
        "--lease",
        type=float,
        default=LASTS,
        help="seconds of a node's lease (default: %(default)s)",
    )
    arguments = parser.parse_args(argv)
    try:
        postgresql.programs()
    except SkipTest as missing:
        return _say(f"{missing}", 1)
    if nats.MISSING:
        return _say(nats.MISSING, 1)
    seed = random.randrange(10**6) if arguments.seed is None else arguments.seed
    folder = Path(tempfile.mkdtemp(prefix="granja-cluster-"))
    status = _break(folder, arguments.faults, seed, arguments.lease)
    if status == 0:
        shutil.rmtree(folder)
    return status


def _break(folder: Path, faults: int, seed: int, lease: float) -> int:
    machines, began = Machines(folder, lease), time.monotonic()
    test = ClusterTest(machines, seed, partial(happen, machines))

    def tell(number: int) -> None:
        """Three hundred take half an hour: somebody waits for them."""
        sys.stderr.write(f"\r{number} faults ")
        sys.stderr.flush()

    try:
        asyncio.run(test.run(schedule(seed, faults, lease), tell))
    except Exception as error:  # Whatever it is, it is what was looked for.
        why = f"{type(error).__name__}: {error}"
        return _say(f"\n{why}\n{test.report()}seed {seed}; the nodes' logs are in {folder}", 1)
    took = time.monotonic() - began
    return _say(f"\r{faults} faults in {took:.0f} s (seed {seed})\n{test.report()}all is well", 0)


def _say(what: str, status: int) -> int:
    (sys.stderr if status else sys.stdout).write(what + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
