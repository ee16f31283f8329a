"""Talk by the chunk and talk by the line are one behaviour (PROTOCOL §1: any cut is the same)."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings, strategies as st
from twisted.trial.unittest import SynchronousTestCase

from granja.settings import Settings
from granja.wire.rate import Rate
from tests.support.farm import Farm

_LINES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            *("hola", "¿qué tal?", ":u", " :u", ":)", "", "  ", "\u00a0:u", ":quiero", ": hola"),
            *("x" * 4096, "x" * 4097, "a\x1b[31mb", "e\u0301", "\u2028", "tab\tulador", "\ufeff"),
        ]
    ),
)
_ENDS = st.sampled_from(["\n", "\r\n", "\r", "\r\0"])
_STREAMS = st.lists(st.tuples(_LINES, _ENDS), max_size=8).map(
    lambda lines: "".join(text + end for text, end in lines).encode("utf-8", "replace")
)


class OneBehaviour(SynchronousTestCase):
    @settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=300)
    @given(stream=_STREAMS, tail=st.sampled_from([b"", b"medio", b"\xff\xf1", b"\xff", b"\xc3"]))
    def test_a_chunk_is_heard_as_its_lines_are(self, stream: bytes, tail: bytes) -> None:
        stream += tail
        heard = []
        for segments in ([stream], [bytes([byte]) for byte in stream]):
            farm = Farm(Settings(rate=None))
            beto, ana = farm.arrives("Beto"), farm.arrives("Ana")
            beto.hears()
            for segment in segments:
                ana.protocol.dataReceived(segment)
            ana.protocol.dataReceived(b"\nfin\nfin\n")
            heard.append((beto.hears(), ana.hears()))
        self.assertEqual(heard[0], heard[1])

    def test_the_chunk_path_is_taken(self) -> None:
        """Otherwise the test above would compare the line path with itself."""
        farm = Farm(Settings(rate=None))
        ana = farm.arrives("Ana")
        said: list[bytes] = []
        farm.factory.talk.say_block = (  # type: ignore[method-assign]
            lambda me, data: said.append(data)
        )
        ana.sends(b"hola\r\n\xc2\xbfqu\xc3\xa9 tal?\r\n")
        self.assertEqual(said, ["hola\n¿qué tal?".encode()])

    def test_the_rate_holds_for_chunks(self) -> None:
        farm = Farm(Settings(rate=Rate(5, 6)))
        beto, ana = farm.arrives("Beto"), farm.arrives("Ana")
        beto.hears()
        ana.sends(b"1\n2\n3\n4\n5\n")
        self.assertEqual(beto.hears(), ["Ana: 1", "Ana: 2", "Ana: 3"])
        farm.pass_time(0.5)
        self.assertEqual(beto.hears(), ["Ana: 4", "Ana: 5"])
