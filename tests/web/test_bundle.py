"""The page in few files: joined in memory, named by their content, and kept by browsers."""

from __future__ import annotations

import json
import re

from twisted.trial.unittest import SynchronousTestCase

from granja.contract.catalog import Catalog
from granja.web.bundle import join_modules
from tests.support.farm import Farm
from tests.support.web_visitor import Visit


class ThePage(SynchronousTestCase):
    def setUp(self) -> None:
        self.visit = Visit(Farm())
        self.page = self.visit.asks("/").body.decode()

    def named(self) -> list[str]:
        return re.findall(
            r' (?:href|src|content)="([\w./-]+\.(?:js|css|svg|png|webmanifest))"', self.page
        )

    def test_what_it_loads_carries_its_hash_and_never_changes(self) -> None:
        names = self.named()
        self.assertGreater(len(names), 5)
        for name in names:
            self.assertRegex(name, r"^[\w-]+\.[0-9a-f]{12}\.\w+$")
            response = self.visit.asks(f"/{name}")
            self.assertEqual(response.status, 200, name)
            self.assertIn("immutable", response.headers["cache-control"])

    def test_the_page_itself_is_asked_for_each_time_and_is_not_sent_again(self) -> None:
        response = self.visit.asks("/")
        self.assertEqual(response.headers["cache-control"], "no-cache")
        again = self.visit.asks("/", if_none_match=response.headers["etag"])
        self.assertEqual((again.status, again.body), (304, b""))

    def test_there_is_one_sheet_and_one_module_and_another_later(self) -> None:
        names = self.named()
        self.assertEqual(sum(name.endswith(".css") for name in names), 1)
        self.assertEqual({n.split(".")[0] for n in names if n.endswith(".js")}, {"main", "rescue"})
        (later,) = re.findall(r'data-inside="([\w.]+)"', self.page)
        code = self.visit.asks(f"/{later}").body.decode()
        (main,) = {name for name in names if name.startswith("main.")}
        self.assertEqual(re.findall(r'from "([^"]+)"', code), [f"./{main}"])

    def test_the_drawings_and_the_installed_pages_icons_are_such_files_too(self) -> None:
        scripts = re.findall(r'"((?:main|inside)\.\w+\.js)"', self.page)
        code = "".join(self.visit.asks(f"/{name}").body.decode() for name in scripts)
        drawings = set(re.findall(r"`([\w.-]+\.svg)#", code))
        self.assertEqual({name.split(".")[0] for name in drawings}, {"icons", "artifacts"})
        (manifest,) = (name for name in self.named() if name.endswith(".webmanifest"))
        icons = json.loads(self.visit.asks(f"/{manifest}").body)["icons"]
        self.assertIn("512x512", [icon["sizes"] for icon in icons])
        for name in drawings | {icon["src"] for icon in icons}:
            self.assertRegex(name, r"\.[0-9a-f]{12}\.")
            self.assertEqual(self.visit.asks(f"/{name}").status, 200, name)

    def test_the_catalog_and_the_language_are_in_it_and_are_only_data(self) -> None:
        farm = self.visit.farm.factory
        farm.catalog.become(Catalog({3: "</script><b>Nabo"}))
        page = self.visit.asks("/").body.decode()
        self.assertNotIn("<b>Nabo", page)
        blocks = re.findall(r'<script type="application/json" id="(\w+)">(.*?)</script>', page)
        found = {name: json.loads(data) for name, data in blocks}
        self.assertEqual(found["catalog"], {"3": "</script><b>Nabo"})
        self.assertEqual(found["contract"], json.loads(self.visit.asks("/contract.json").body))


class TheWorker(SynchronousTestCase):
    def test_it_knows_what_the_page_is_made_of_by_its_names_and_is_another_with_another_page(
        self,
    ) -> None:
        visit = Visit(Farm())
        response = visit.asks("/worker.js")
        self.assertEqual(response.headers["cache-control"], "no-cache")
        self.assertEqual(response.headers["content-type"], "text/javascript; charset=utf-8")
        names = re.findall(r'"([\w-]+\.[0-9a-f]{12}\.\w+)"', response.body.decode())
        self.assertEqual(names[0].split(".")[0], "index")
        page = visit.asks("/").body.decode()
        self.assertIn(names[1], page)
        for name in names[1:]:
            self.assertEqual(visit.asks(f"/{name}").status, 200, name)
        self.assertEqual(len(names), 10)


class Joining(SynchronousTestCase):
    def join(self, **modules: str) -> str:
        sources = {f"js/{name}.js": text.encode() for name, text in modules.items()}
        return join_modules(sources | {"js/later.js": b""}, "js/main.js", "js/later.js")[0]

    def test_what_is_imported_comes_first_and_each_has_a_scope_of_its_own(self) -> None:
        joined = self.join(
            main='import { one } from "./a.js";\n// For readers.\nconst own = 1;\none(own);\n',
            a="export const one = (x) => x;\nconst own = 2;\n",
        )
        self.assertEqual(
            joined,
            "const m0 = (() => {\nconst one = (x) => x;\nconst own = 2;\nreturn { one };\n})();\n"
            "const m1 = (() => {\nconst { one } = m0;\nconst own = 1;\none(own);\nreturn {  };\n"
            "})();\nexport { m0, m1 };\n",
        )

    def test_what_comes_later_takes_what_is_there_from_the_first(self) -> None:
        sources = {
            "main.js": b'import { a } from "./a.js";\na();\n',
            "a.js": b"export const a = () => 1;\n",
            "b.js": b"export const b = 2;\n",
            "later.js": b'import { a } from "./a.js";\nimport { b } from "./b.js";\n'
            b"export function go() {}\n",
        }
        first, later = join_modules(sources, "main.js", "later.js")
        self.assertNotIn("const b = 2", first)
        self.assertTrue(later.startswith('import { m0, m1 } from "main.js";\nconst m2 ='))
        self.assertIn("const { a } = m0;\nconst { b } = m2;\n", later)
        self.assertTrue(later.endswith("export const { go } = m3;\n"))

    def test_what_can_not_be_joined_is_refused(self) -> None:
        for text in (
            'import x from "./a.js";\n',
            "export let x = 1;\n",
            'await import("./a.js");\n',
        ):
            with self.assertRaises(ValueError):
                self.join(main=text, a="")

    def test_a_circle_is_refused(self) -> None:
        with self.assertRaises(ValueError):
            self.join(
                main='import { a } from "./a.js";\n',
                a='import { b } from "./main.js";\nexport const a = 1;\n',
            )
