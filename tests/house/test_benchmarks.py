"""The benchmark sees what goes wrong, and reckons as it says."""

from __future__ import annotations

import atexit
import functools
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from benchmarks.book import BEGIN, END, load, save, write_page
from benchmarks.figures import Book
from benchmarks.measure import Cores
from benchmarks.plots import Bar, bar_chart
from benchmarks.report import number, scenario_section, targets_table
from benchmarks.run import Result, run
from benchmarks.scenarios import SCENARIOS, Scenario
from benchmarks.servers import SERVERS, Server, Start, named
from benchmarks.targets import TARGETS, Target
from benchmarks.workshop import GENERATOR, NATIVE, NoCompilerError, Workshop
from tests.support.folders import folder_for

SMALL = Scenario("small", "small", "flood", 5, 2, 50, window=50, patience=0.7)


@functools.cache
def workshop() -> Workshop:
    """The compiled programs, once for all tests."""
    folder = tempfile.TemporaryDirectory(prefix="granja-benchmark-")
    atexit.register(folder.cleanup)
    return Workshop.build(Path(folder.name))


def start_faulty(kind: str) -> Callable[[Start], Sequence[str]]:
    def command(start: Start) -> Sequence[str]:
        return [sys.executable, "-m", "benchmarks.faulty", str(start.port), kind]

    return command


def faulty(kind: str) -> Server:
    return Server("faulty", f"faulty: {kind}", "plain", start_faulty(kind), str)


class GeneratorTests(SynchronousTestCase):
    """Two talkers say 50 lines each to five farmers."""

    def setUp(self) -> None:
        try:
            self.workshop = workshop()
        except NoCompilerError as error:
            raise SkipTest(str(error)) from None

    def counted(self, server: Server, scenario: Scenario = SMALL) -> dict[str, int]:
        """The generator's faults, without its other counts."""
        result = run(server, scenario, 1, self.workshop, Cores.available())
        return {kind: n for kind, n in result.counted.items() if n and kind != "expected"}

    def test_nothing_wrong(self) -> None:
        """A server without faults is found to have none, however it coalesces."""
        for name in ("limit", "each", "classic", "loop"):
            (server,) = named([name])
            self.assertEqual(self.counted(replace(server, share=1.0)), {})

    def test_lines_of_any_length_and_with_accents(self) -> None:
        """Compared whole, as those of 64 bytes are."""
        varied = replace(SMALL, varied=True)
        (limit,) = named(["limit"])
        self.assertEqual(self.counted(replace(limit, share=1.0), varied), {})
        self.assertEqual(self.counted(faulty("swap"), varied), {"disordered": 2})

    def test_lost(self) -> None:
        self.assertEqual(self.counted(faulty("lose")), {"lost": 2})

    def test_doubled(self) -> None:
        self.assertEqual(self.counted(faulty("double")), {"doubled": 2})

    def test_out_of_order(self) -> None:
        self.assertEqual(self.counted(faulty("swap")), {"disordered": 2})

    def test_altered(self) -> None:
        """A letter that changed on the way counts, and what should have come is missing."""
        self.assertEqual(self.counted(faulty("alter")), {"corrupt": 2, "lost": 2})

    def test_echoed(self) -> None:
        """A speaker must hear no echo."""
        self.assertEqual(self.counted(faulty("echo")), {"stray": 2})

    def test_a_crowd_hears_itself_arrive(self) -> None:
        """Everybody hears everybody who comes later, in one order."""
        crowd = Scenario("crowd", "crowd", "crowd", 40, 1, 2, arriving=10)
        (limit,) = named(["limit"])
        quiet = replace(crowd, name="quiet")
        result = run(limit, crowd, 1, self.workshop, Cores.available())
        self.assertEqual(result.arrived["announcements"], 40 * 39 // 2)
        self.assertIs(result.arrived["in_order"], True)
        (each,) = named(["each"])
        self.assertEqual(run(each, quiet, 1, self.workshop, Cores.available()).faults, 0)

    def test_a_server_that_stops_for_one_reader_is_found_out(self) -> None:
        """The classic server holds its lock while it sends to a client that does not read."""
        # More than the kernel keeps for a reader: 5,000 lines each were not always enough.
        stall = replace(SMALL, farmers=10, stalled=1, lines=12_000)
        (classic,) = named(["classic"])
        server = replace(classic, share=1.0)
        result = run(server, stall, 1, self.workshop, Cores.available())
        self.assertGreater(result.ran["unfinished"], 0)
        self.assertGreater(result.faults, 0)


def result(scenario: str, server: str, round_: int, cpu: float, **ran: float) -> Result:
    """A run of 1,000,000 deliveries.  ``cpu`` in seconds is then also the µs for each."""
    counted = dict.fromkeys(("lost", "doubled", "disordered", "corrupt", "stray", "cut"), 0)
    return Result(
        scenario,
        server,
        round_,
        cpu=cpu,
        user=0.0,
        system=cpu,
        rss_idle=1000,
        rss_arrived=1400,
        rss_peak=2424,
        arrived={"inside": 100, "cut": 0, "announced_s": 0.05, "announcements": 0},
        ran={
            "delivered": 1_000_000,
            "unfinished": 0,
            "segments": 100_000,
            "seconds": 1.0,
            "generator_cpu_s": 0.5,
            "p50_us": 10.0,
            "p99_us": 100.0,
            "p999_us": 200.0,
            **ran,
        },
        counted={"expected": 1_000_000, **counted},
    )


class NativeTests(SynchronousTestCase):
    """The C files of the generator."""

    def test_each_knows_only_those_above_it(self) -> None:
        """In the order of the list: a file that needs one below it would close a circle."""
        names = [Path(name).stem for name in GENERATOR]
        for index, name in enumerate(names):
            sources = [NATIVE / f"{name}.c", *NATIVE.glob(f"{name}.h")]
            text = "".join(path.read_text("utf-8") for path in sources)
            included = set(re.findall(r'#include "(\w+)\.h"', text))
            self.assertLessEqual(included, {*names[: index + 1]}, name)
            self.assertTrue(included, name)

    def test_none_is_left_out(self) -> None:
        listed = {*GENERATOR, "fanout.c"}
        self.assertEqual({path.name for path in NATIVE.glob("*.c")}, listed)


class FigureTests(SynchronousTestCase):
    """The page's figures follow from the rounds."""

    def test_ratios_are_taken_within_a_round(self) -> None:
        """A round in which the machine was slow for everybody changes no ratio."""
        book = Book(
            tuple(
                result("flood-100", server, round_, cpu * slow)
                for round_, slow in ((1, 1.0), (2, 3.0), (3, 1.1))
                for server, cpu in (("granja", 2.0), ("limit", 1.0))
            )
        )
        ratio = book.ratio("flood-100", "granja", "limit")
        assert ratio is not None
        self.assertAlmostEqual(ratio.least, 2.0)
        self.assertAlmostEqual(ratio.greatest, 2.0)
        cost = book.figure("flood-100", "granja", "cpu_us")
        assert cost is not None
        self.assertEqual((cost.middle, cost.least, cost.greatest), (2.2, 2.0, 6.0))

    def test_a_target_is_met_or_not(self) -> None:
        self.assertTrue(Target("flood-100", "limit", 2.0).met(2.0))
        self.assertFalse(Target("flood-100", "limit", 2.0).met(2.01))
        self.assertTrue(Target("crowd", None, 2_000, "arrivals_s", floor=True).met(2_500))

    def test_every_target_is_in_the_table(self) -> None:
        """A missing run is called missing.  A missed target is bold."""
        book = Book((result("flood-100", "granja", 1, 3.0), result("flood-100", "limit", 1, 1.0)))
        titles = {server.name: server.title for server in SERVERS}
        table = targets_table(book, SCENARIOS, titles)
        self.assertIn("| ≤ 2 × | 3.00 (3.00–3.00) | **no** |", table)
        self.assertIn("| ≤ 0.12 × | – | not run |", table)
        self.assertEqual(len(table.splitlines()), 2 + len(TARGETS))

    def test_a_fault_is_named_in_the_row(self) -> None:
        wrong = result("flood-100", "granja", 1, 1.0)
        wrong.counted["lost"] = 7
        section = scenario_section(Book((wrong,)), SCENARIOS[0], named(["granja"]))
        self.assertIn("| 7 lost |", section)

    def test_numbers_have_three_digits(self) -> None:
        written = [number(value) for value in (0.0163, 0.53, 4.167, 47.71, 120.4, 12_345.6)]
        self.assertEqual(written, ["0.016", "0.530", "4.17", "47.7", "120", "12,346"])


class PageTests(SynchronousTestCase):
    """docs/performance/results.md and its sources."""

    def setUp(self) -> None:
        self.folder = folder_for(self)

    def test_results_come_back_from_disk(self) -> None:
        results = [result("flood-100", "granja", 1, 1.0)]
        save(self.folder / "r.json", {"kernel": "Linux"}, "python -m benchmarks", results)
        self.assertEqual(
            load(self.folder / "r.json"), ({"kernel": "Linux"}, "python -m benchmarks", results)
        )

    def test_what_people_wrote_stays(self) -> None:
        page = self.folder / "results.md"
        page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
        write_page(page, "new")
        self.assertEqual(page.read_text(), f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n")

    def test_a_page_without_a_place_is_left_alone(self) -> None:
        page = self.folder / "results.md"
        page.write_text("by hand\n")
        self.assertRaises(ValueError, write_page, page, "new")
        self.assertEqual(page.read_text(), "by hand\n")

    def test_a_plot_has_a_bar_for_each_server(self) -> None:
        bars = [Bar("Granja", "granja", 0.03, 0.02, 0.04), Bar("C & co", "limit", 5.0, 4.0, 6.0)]
        drawn = bar_chart("flood", "µs", bars)
        self.assertEqual(drawn.count("<rect"), 2)
        self.assertIn("C &amp; co", drawn)
        self.assertLess(drawn.index(">Granja<"), drawn.index(">C &amp; co<"))
