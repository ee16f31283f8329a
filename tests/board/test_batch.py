"""A batch: what is said between two flushes, for whom, how many bytes, and who waits for it."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from granja.board.batch import Announcement, Batch, Entry, Remark, Talk
from granja.contract.messages import Acted, Arrived
from granja.wire.encodings import PLAIN

NEWS, YO = Announcement(Arrived("Eva")), Remark(Acted("Ana", "baila"))


class BatchTests(SynchronousTestCase):
    def batch(self, *entries: Entry) -> Batch[str]:
        batch: Batch[str] = Batch(1000, 50)
        for entry in entries:
            batch.add(entry, None)
        return batch

    def test_only_news_is_patient(self) -> None:
        """Not talk, and not a batch in which nothing was said yet."""
        for entries, patient in (
            ((), False),
            ((NEWS,), True),
            ((NEWS, NEWS), True),
            ((YO,), False),
            ((NEWS, YO), False),
            ((YO, NEWS), False),
        ):
            self.assertIs(self.batch(*entries).patient, patient, entries)

    def test_the_size_of_one_line_is_that_of_the_plain_line(self) -> None:
        talk = Talk("Ana", b"hola", 1)
        for entry in (NEWS, YO, talk):
            self.assertEqual(entry.size, len(entry.render(PLAIN)))
        self.assertEqual(self.batch().size, 0)
        self.assertEqual(self.batch(NEWS, talk).size, NEWS.size + talk.size)

    def test_a_place_counts_the_lines_before_it(self) -> None:
        batch = self.batch(Talk("Ana", b"uno\ndos\ntres", 3), NEWS)
        self.assertEqual([batch.place(index) for index in range(3)], [50, 53, 54])

    def test_the_next_batch_begins_where_this_one_ends(self) -> None:
        batch = self.batch(Talk("Ana", b"uno\ndos\ntres", 3), NEWS)
        after = batch.seal()
        self.assertEqual((after.start, after.first_line), (1000 + batch.size, 54))
