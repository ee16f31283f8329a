"""More than a wire should have at once goes in parts, which are looked for once for everybody."""

from __future__ import annotations

from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from granja.board.counters import Counters
from granja.board.fanout import FanOut
from granja.wire.encodings import PLAIN, WEBSOCKET_LINES, Carrier, Readable, WebSocketFrames

LIMIT = 1000


class FanOutTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.taken: dict[str, list[bytes]] = {}
        self.counters = Counters()

    def audience(self, carrier: Carrier, **most: int) -> FanOut[str]:
        """Listeners by name, and how many parts each takes."""
        fan_out: FanOut[str] = FanOut(carrier, LIMIT, self.counters)
        for name, count in most.items():
            self.taken[name] = []
            fan_out.sends[name] = self.taker(name, count)
        return fan_out

    def taker(self, name: str, count: int) -> Callable[[Readable], int]:
        def send(data: Readable) -> int:
            if len(self.taken[name]) == count:
                raise BlockingIOError
            self.taken[name].append(bytes(data))
            return len(data)

        return send

    def test_a_long_block_goes_in_parts_of_whole_messages(self) -> None:
        lines = b"\n".join(b"%d" % number * 30 for number in range(90))
        for carrier in (PLAIN, WEBSOCKET_LINES):
            block = carrier.talk("Ana", lines)
            fan_out = self.audience(carrier, beto=99, caro=99)
            self.assertEqual(fan_out.broadcast(block), [])
            for parts in self.taken.values():
                self.assertEqual(b"".join(parts), block)
                self.assertEqual(sum(map(carrier.count, parts)), 90)
                self.assertTrue(all(LIMIT < len(part) < LIMIT + 80 for part in parts[:-1]))
            self.assertLess(len(parts), 7)

    def test_what_is_a_little_too_long_goes_in_two_parts(self) -> None:
        block = PLAIN.talk("Ana", b"\n".join([b"x" * 93] * 15))
        self.assertEqual(self.audience(PLAIN, beto=99).broadcast(block), [])
        self.assertEqual(self.taken["beto"], [block[:1100], block[1100:]])

    def test_who_takes_less_is_told_with_how_much(self) -> None:
        block = PLAIN.talk("Ana", b"\n".join([b"x" * 50] * 90))
        fan_out = self.audience(PLAIN, beto=2, caro=99, dora=0)
        short = dict(fan_out.broadcast(block))
        self.assertEqual(short, {"beto": len(b"".join(self.taken["beto"])), "dora": 0})
        self.assertEqual(self.counters.writes, 3 + len(self.taken["caro"]) + 1)

    def test_where_messages_end_is_looked_for_once(self) -> None:
        """Not every listener looks for them: that was slow in a flood by WebSocket."""
        block = WEBSOCKET_LINES.talk("Ana", b"\n".join([b"x" * 50] * 90))
        looks: list[int] = []
        really = WebSocketFrames.boundary

        def boundary(carrier: WebSocketFrames, data: Readable, at: int) -> int:
            looks.append(at)
            return really(carrier, data, at)

        self.patch(WebSocketFrames, "boundary", boundary)
        self.audience(WEBSOCKET_LINES, **{f"b{n}": 99 for n in range(50)}).broadcast(block)
        self.assertLessEqual(len(looks), len(self.taken["b0"]))

    def test_no_part_is_empty_and_what_fits_exactly_is_one(self) -> None:
        fan_out = self.audience(PLAIN)
        line = b"x" * 98 + b"\r\n"
        self.assertEqual(fan_out.cuts(line * 10), [(0, LIMIT)])
        for lines in (11, 20, 21, 22, 33):
            cuts = fan_out.cuts(line * lines)
            self.assertTrue(all(start < stop for start, stop in cuts))
            self.assertEqual((cuts[0][0], cuts[-1][1]), (0, 100 * lines))
