"""The web site: its pages, their headers, /healthz, and requests that are too much."""

from __future__ import annotations

import gzip
import json
import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from unicodedata import combining, normalize
from xml.etree import ElementTree

from twisted.trial.unittest import SynchronousTestCase

from granja.contract.catalog import Catalog
from granja.contract.commands import FOR_ALL
from granja.web.language import deed_of
from granja.web.site import web_site
from tests.support.farm import Farm
from tests.support.web_visitor import KEY, Visit

STATIC = files("granja.web") / "static"
#: Ways by which text could become markup or script.
MARKUP = (
    r"innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|DOMParser"
    r"|document\.write|\beval\b|new Function"
)
SVG = "{http://www.w3.org/2000/svg}"


def every_file(folder: Traversable = STATIC, path: str = "/") -> dict[str, bytes]:
    """The page's files, by the path that they should have on the site."""
    found: dict[str, bytes] = {}
    for entry in folder.iterdir():
        if entry.is_dir():
            found |= every_file(entry, f"{path}{entry.name}/")
        else:
            found[path + entry.name] = entry.read_bytes()
    return found


def every_text() -> dict[str, str]:
    """Those that are no pictures of dots."""
    every = every_file().items()
    return {path: content.decode() for path, content in every if not path.endswith(".png")}


class SiteCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.farm = Farm()
        self.visit = Visit(self.farm)


class ThePage(SiteCase):
    def test_the_page_is_there(self) -> None:
        response = self.visit.asks("/")
        self.assertEqual(response.status, 200)
        self.assertEqual(response.headers["content-type"], "text/html; charset=utf-8")
        self.assertIn(b"<title>Granja</title>", response.body)

    def test_every_file_is_served_with_a_type_that_browsers_believe(self) -> None:
        types = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
        for path, content in every_file().items():
            response = self.visit.asks(path)
            self.assertEqual(response.status, 200, path)
            if path != "/worker.js":  # It is served with other names in it.
                self.assertEqual(response.body, content, path)
            expected = types.get(PurePosixPath(path).suffix)
            if expected:
                self.assertEqual(response.headers["content-type"].split(";")[0], expected)

    def test_all_that_the_page_loads_is_there(self) -> None:
        """A module that imports a file that was renamed is a blank page."""
        for path, content in every_text().items():
            for reference in references(path, content):
                status = self.visit.asks(reference).status
                self.assertEqual(status, 200, f"{path} refers to {reference}")

    def test_nothing_comes_from_other_hosts(self) -> None:
        for path, content in every_text().items():
            text = content.replace("http://www.w3.org/2000/svg", "")
            self.assertNotRegex(text, r"https?://|[\"'(]//", path)

    def test_the_catalog_of_this_farm_is_there(self) -> None:
        names = json.loads(self.visit.asks("/artefactos.json").body)
        self.assertEqual(names["12"], "Disco raro")
        self.assertEqual(len(names), len(self.farm.factory.catalog))

    def test_a_changed_catalog_is_there_at_once(self) -> None:
        """A browser with the old catalog does not hear that its copy is current."""
        tag = self.visit.asks("/artefactos.json").headers["etag"]
        self.farm.factory.catalog.become(Catalog({3: "Nabo"}))
        response = self.visit.asks("/artefactos.json", if_none_match=tag)
        self.assertEqual(json.loads(response.body), {"3": "Nabo"})

    def test_what_the_page_knows_of_the_contract_comes_from_the_command_table(self) -> None:
        found = json.loads(self.visit.asks("/contract.json").body)
        self.assertEqual([row["word"] for row in found["commands"]], [row.word for row in FOR_ALL])
        self.assertEqual(found["deeds"]["talk.whisper"], ":p")
        self.assertIn({"word": ":larva", "face": "¡Larva! (:o)OOOooo"}, found["emoticons"])
        self.assertEqual(found["secrets"], [":registrar", ":volver", ":clave"])
        limits = {"line": 4096, "name": 20, "name_bytes": 64, "password": [8, 128]}
        self.assertEqual(found["limits"], limits | {"artifacts": 100})

    def test_each_command_does_one_thing(self) -> None:
        deeds = [deed_of(row) for row in FOR_ALL]
        self.assertEqual(len({repr(deed) for deed in deeds}), len(deeds))

    def test_the_page_repeats_no_word_of_a_command(self) -> None:
        words = [word for row in FOR_ALL for word in (row.word, *row.aliases)]
        for path, content in every_file().items():
            if path.endswith(".js"):
                code = re.sub(r"//.*|/\*.*?\*/", "", content.decode())
                for word in words:
                    self.assertNotRegex(code, rf"[\"'`]{re.escape(word)}\b", path)

    def test_what_is_not_there_is_not_found(self) -> None:
        for path in ("/nada", "/css", "/css/", "/js/views", "/../server.py", "/%2e%2e/server.py"):
            response = self.visit.asks(path)
            self.assertEqual(response.status, 404, path)
            self.assertEqual(response.headers["content-type"], "text/plain; charset=utf-8")
            self.assertIn("Aquí no hay nada.", response.body.decode())

    def test_the_page_takes_nothing(self) -> None:
        self.assertEqual(self.visit.asks("/", method="DELETE").status, 405)

    def test_a_head_request_has_no_body(self) -> None:
        response = self.visit.asks("/", method="HEAD")
        self.assertEqual((response.status, response.body), (200, b""))


def references(path: str, text: str) -> set[str]:
    """The paths of the site that a file loads."""
    found = set(re.findall(r'(?:from|import) "([^"]+)"', text))
    found |= set(re.findall(r'(?:href|src)="([^"#]+)', text))
    found |= set(re.findall(r'"src": "([^"]+)"', text))
    found |= {f"/{name}" for name in re.findall(r"`(\w+\.svg)#", text)}
    base = PurePosixPath(path).parent
    return {normalise(str(base / reference)) for reference in found}


def normalise(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            parts.pop()
        elif part not in (".", ""):
            parts.append(part)
    return "/" + "/".join(parts)


class Pictures(SynchronousTestCase):
    """Every artifact of the packaged catalog has a picture of its own."""

    def setUp(self) -> None:
        sprite = ElementTree.fromstring((STATIC / "artifacts.svg").read_text())
        self.symbols = {symbol.get("id"): symbol for symbol in sprite.iter(f"{SVG}symbol")}

    def test_each_of_the_42_has_its_picture(self) -> None:
        wanted = {slug(artifact.name) for artifact in Farm().factory.catalog.values()}
        self.assertEqual(len(wanted), 42)
        self.assertEqual(set(self.symbols), wanted | {"generico"})

    def test_no_two_are_the_same(self) -> None:
        drawings = {ElementTree.tostring(symbol[0]) for symbol in self.symbols.values()}
        self.assertEqual(len(drawings), len(self.symbols))

    def test_the_page_knows_which_there_are(self) -> None:
        text = (STATIC / "js" / "model" / "pictures.js").read_text()
        self.assertEqual(
            set(re.findall(r'^  "([a-z-]+)",$', text, re.M)) | {"generico"}, set(self.symbols)
        )


def slug(name: str) -> str:
    plain = "".join(c for c in normalize("NFD", name) if not combining(c)).lower()
    return re.sub("[^a-z0-9]+", "-", plain).strip("-")


class Type(SynchronousTestCase):
    def test_the_reader_chooses_the_size_of_letters(self) -> None:
        for path, content in every_file().items():
            if path.endswith(".css"):
                self.assertNotRegex(content.decode(), r"font(-size)?:[^;]*\dpx", path)


class Headers(SiteCase):
    """What the browser learns about how to treat the page."""

    def test_the_policy_allows_nothing_but_our_own_files(self) -> None:
        policy = self.visit.asks("/").headers["content-security-policy"]
        rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
        self.assertEqual(rules.pop("default-src"), "'none'")
        self.assertEqual(rules.pop("frame-ancestors"), "'none'")
        self.assertEqual(rules.pop("require-trusted-types-for"), "'script'")
        self.assertEqual(rules.pop("trusted-types"), "granja-worker")
        for rule, source in rules.items():
            self.assertIn(source, ("'self'", "'none'"), rule)

    def test_errors_have_the_same_headers(self) -> None:
        for path in ("/", "/nada", "/healthz", "/ws"):
            headers = self.visit.asks(path).headers
            self.assertIn("default-src 'none'", headers["content-security-policy"])
            self.assertEqual(headers["x-content-type-options"], "nosniff")
            self.assertEqual(headers["referrer-policy"], "no-referrer")

    def test_nothing_in_the_page_is_inline(self) -> None:
        """The policy would forbid it, and the page would be broken without a word."""
        page = (STATIC / "index.html").read_text()
        self.assertNotRegex(page, r"<style|<script(?![^>]* src=)|\son\w+=|\sstyle=")

    def test_text_never_becomes_markup(self) -> None:
        for path, content in every_file().items():
            if path.endswith(".js"):
                self.assertNotRegex(content.decode(), MARKUP, path)


class OverTLS(SiteCase):
    def test_browsers_are_offered_http_1_only(self) -> None:
        """A WebSocket needs it, and we would not understand the other."""
        self.assertEqual(self.visit.site.acceptableProtocols(), [b"http/1.1"])


class Caching(SiteCase):
    def test_a_browser_that_has_it_already_is_told_so(self) -> None:
        tag = self.visit.asks("/js/main.js").headers["etag"]
        again = self.visit.asks("/js/main.js", if_none_match=tag)
        self.assertEqual((again.status, again.body), (304, b""))

    def test_every_visit_asks_whether_there_is_something_new(self) -> None:
        self.assertEqual(self.visit.asks("/js/main.js").headers["cache-control"], "no-cache")

    def test_it_is_sent_packed_to_browsers_that_unpack(self) -> None:
        packed = self.visit.asks("/js/main.js", accept_encoding="br, gzip")
        plain = self.visit.asks("/js/main.js", accept_encoding="gzip;q=0, br")
        self.assertEqual(packed.headers["content-encoding"], "gzip")
        self.assertEqual(gzip.decompress(packed.body), plain.body)
        self.assertNotEqual(packed.headers["etag"], plain.headers["etag"])
        self.assertNotIn("content-encoding", plain.headers)


class Health(SiteCase):
    def test_a_farm_that_is_well_says_who_is_there(self) -> None:
        self.farm.arrives("Ana")
        response = self.visit.asks("/healthz")
        self.assertEqual(response.status, 200)
        self.assertEqual(json.loads(response.body), {"status": "ok", "farmers": 1})
        self.assertEqual(response.headers["cache-control"], "no-store")

    def test_a_halted_ledger_is_not_well(self) -> None:
        self.farm.factory.lane.halted = True
        response = self.visit.asks("/healthz")
        self.assertEqual(response.status, 503)
        self.assertEqual(json.loads(response.body)["status"], "halted")

    def test_it_says_what_it_is_given(self) -> None:
        site = web_site(self.farm.factory, health=lambda: {"status": "full", "free": 0})
        response = Visit(self.farm, site).asks("/healthz")
        self.assertEqual((response.status, json.loads(response.body)["free"]), (503, 0))


class TooMuch(SiteCase):
    """Requests that would cost us more than they should."""

    def test_a_body_is_refused_before_it_is_read(self) -> None:
        self.visit.sends(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\nabc")
        self.assertIn(b"413 Content Too Large", self.visit.takes())
        self.assertTrue(self.visit.wire.disconnecting)
        self.visit.sends(b"d" * 70000)
        self.assertEqual(self.visit.takes(), b"")

    def test_a_body_of_unknown_length_is_refused(self) -> None:
        self.visit.sends(
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc"
        )
        self.assertIn(b"413 Content Too Large", self.visit.takes())
        self.assertTrue(self.visit.wire.disconnecting)

    def test_a_head_that_is_too_long_is_refused(self) -> None:
        self.visit.sends(b"GET / HTTP/1.1\r\n" + b"X-A: " + b"a" * 9000 + b"\r\n\r\n")
        self.assertIn(b"400 Bad Request", self.visit.takes())
        self.assertTrue(self.visit.wire.disconnecting)

    def test_too_many_headers_are_refused(self) -> None:
        self.visit.sends(b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 80 + b"\r\n")
        self.assertIn(b"400 Bad Request", self.visit.takes())

    def test_a_request_that_trickles_in_is_given_up(self) -> None:
        """One byte now and then must not hold a connection for ever."""
        for byte in b"GET / HTTP/1.1\r\nHost: granja.example\r\nX: aaaaaa":
            self.visit.sends(bytes((byte,)))
            self.farm.clock.advance(1)
        self.assertTrue(self.visit.wire.disconnecting)

    def test_a_connection_that_says_nothing_is_closed(self) -> None:
        self.farm.clock.advance(31)
        self.assertTrue(self.visit.wire.disconnecting)

    def test_a_connection_may_ask_again_later(self) -> None:
        self.visit.asks("/")
        self.farm.clock.advance(20)
        self.assertEqual(self.visit.asks("/").status, 200)
        self.farm.clock.advance(20)
        self.assertEqual(self.visit.asks("/").status, 200)

    def test_one_who_does_not_read_is_closed_in_the_end(self) -> None:
        self.visit.asks("/")
        self.farm.clock.advance(31)
        self.assertTrue(self.visit.wire.disconnecting)
        self.farm.clock.advance(16)
        self.assertTrue(self.visit.wire.aborted)


def get(path: str, *headers: str) -> bytes:
    """One request, by hand."""
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: granja.example", *headers, "", ""]).encode()


def statuses(data: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"^HTTP/1.1 (\d+) ", data, re.M)]


class ManyAtOnce(SiteCase):
    """Requests that come without waiting for responses neither heap those up nor stall others."""

    def brings(self, data: bytes) -> list[int]:
        """The answer to one segment, before the reactor serves anybody else."""
        self.visit.channel.dataReceived(data)
        return self.answered()

    def answered(self) -> list[int]:
        return statuses(self.visit.takes())

    def is_read(self) -> bool:
        state: str = self.visit.wire.producerState
        return state == "producing"

    def test_the_others_have_their_turn_after_each(self) -> None:
        self.assertEqual(self.brings(get("/healthz") * 1000), [200])

    def test_all_are_answered_in_order(self) -> None:
        self.visit.sends(get("/healthz") + get("/nada") + get("/ws") + get("/healthz"))
        self.assertEqual(self.answered(), [200, 404, 426, 200])

    def test_no_more_is_read_until_all_are_answered(self) -> None:
        self.brings(get("/healthz") * 3)
        self.assertFalse(self.is_read())
        self.farm.settle()
        self.assertTrue(self.is_read())

    def test_the_beginning_of_a_request_does_not_wait_for_a_turn(self) -> None:
        whole = get("/healthz") * 2
        self.visit.sends(whole[:-10])
        self.assertEqual(self.answered(), [200])
        self.assertTrue(self.is_read())
        self.assertEqual(self.brings(whole[-10:]), [200])

    def test_one_who_does_not_read_is_answered_no_more(self) -> None:
        self.visit.wire.narrow = True
        self.visit.sends(get("/artifacts.svg") * 3)
        self.assertEqual(self.answered(), [200])
        self.farm.pass_time(20)
        self.assertEqual(self.answered(), [])
        self.assertFalse(self.is_read())

    def test_the_last_response_is_not_waited_for_for_ever(self) -> None:
        """A client that asks for nothing more and does not read this one loses the connection."""
        self.visit.wire.narrow = True
        self.visit.sends(get("/artifacts.svg", "Connection: close"))
        self.farm.clock.advance(31)
        self.farm.clock.advance(16)
        self.assertTrue(self.visit.wire.aborted)

    def test_it_goes_on_when_they_read_and_nothing_new_is_read_before(self) -> None:
        self.visit.wire.narrow = True
        self.visit.sends(get("/artifacts.svg") * 3)
        for _ in range(2):
            self.visit.wire.empties()
            self.assertFalse(self.is_read())
            self.farm.settle()
        self.assertEqual(self.answered(), [200, 200, 200])
        self.visit.wire.empties()
        self.farm.settle()
        self.assertTrue(self.is_read())

    def test_one_who_asks_one_by_one_and_does_not_read_is_not_read(self) -> None:
        self.visit.wire.narrow = True
        self.assertEqual(self.brings(get("/artifacts.svg")), [200])
        self.assertFalse(self.is_read())
        self.visit.wire.empties()
        self.farm.settle()
        self.assertTrue(self.is_read())
        self.assertEqual(self.brings(get("/")), [200])

    def test_a_transport_that_is_full_only_later_is_waited_for_too(self) -> None:
        """TLS encrypts what it has gathered in a turn of its own."""
        self.brings(get("/") * 3)
        self.visit.wire.fills()
        self.farm.settle()
        self.assertEqual(self.answered(), [])
        self.visit.wire.empties()
        self.farm.settle()
        self.assertEqual(self.answered(), [200, 200])

    def test_one_who_never_reads_is_closed_in_the_end(self) -> None:
        self.visit.wire.narrow = True
        self.visit.sends(get("/") * 3)
        self.farm.clock.advance(31)
        self.assertTrue(self.visit.wire.disconnecting)
        self.farm.clock.advance(16)
        self.assertTrue(self.visit.wire.aborted)

    def test_what_follows_a_last_request_is_not_answered(self) -> None:
        self.visit.sends(get("/") + get("/healthz", "Connection: close") + get("/") * 2)
        self.assertEqual(self.answered(), [200, 200])
        self.assertTrue(self.visit.wire.disconnecting)

    def test_a_connection_that_breaks_meanwhile_is_answered_no_more(self) -> None:
        self.brings(get("/") * 3)
        self.visit.drops()
        self.assertEqual(self.answered(), [])
        self.farm.factory.forgetting.stop()  # It looks each day, as long as the farm is there.
        self.assertEqual(self.farm.clock.getDelayedCalls(), [])

    def test_a_websocket_may_follow(self) -> None:
        hello = (f"Sec-WebSocket-Key: {KEY}", "Sec-WebSocket-Version: 13")
        upgrade = get("/ws", "Upgrade: websocket", "Connection: Upgrade", *hello)
        self.visit.sends(get("/") + upgrade + b"\x81\x83\0\0\0\0Ana")
        heard = self.visit.takes()
        self.assertEqual(statuses(heard), [200, 101])
        self.assertIn("¡Bienvenid@ al chat de Granjerxs!".encode(), heard)
        self.assertTrue(self.is_read())
