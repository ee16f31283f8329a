"""The page in few files: joined in memory, named by their content, and kept by browsers."""

from __future__ import annotations

import json
import re

from twisted.trial.unittest import SynchronousTestCase

from granja.web.bundle import join_modules
from tests.support.farm import Farm
from tests.support.web_visitor import Visit


class ThePage(SynchronousTestCase):
    def setUp(self) -> None:
        self.visit = Visit(Farm())
        self.page = self.visit.asks("/").body.decode()

    def named(self) -> list[str]:
        return re.findall(
            r'(?:href|src|content)="([\w./-]+\.(?:js|css|svg|png|webmanifest))"', self.page
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

    def test_there_is_one_sheet_and_one_module(self) -> None:
        names = self.named()
        self.assertEqual(sum(name.endswith(".css") for name in names), 1)
        self.assertEqual({n.split(".")[0] for n in names if n.endswith(".js")}, {"main", "rescue"})

    def test_the_drawings_and_the_installed_pages_icons_are_such_files_too(self) -> None:
        (script,) = {name for name in self.named() if name.startswith("main.")}
        code = self.visit.asks(f"/{script}").body.decode()
        drawings = set(re.findall(r"`([\w.-]+\.svg)#", code))
        self.assertEqual({name.split(".")[0] for name in drawings}, {"icons", "artifacts"})
        (manifest,) = (name for name in self.named() if name.endswith(".webmanifest"))
        icons = json.loads(self.visit.asks(f"/{manifest}").body)["icons"]
        self.assertIn("512x512", [icon["sizes"] for icon in icons])
        for name in drawings | {icon["src"] for icon in icons}:
            self.assertRegex(name, r"\.[0-9a-f]{12}\.")
            self.assertEqual(self.visit.asks(f"/{name}").status, 200, name)


class Joining(SynchronousTestCase):
    def join(self, **modules: str) -> str:
        sources = {f"js/{name}.js": text.encode() for name, text in modules.items()}
        return join_modules(sources, "js/main.js")

    def test_what_is_imported_comes_first_and_each_has_a_scope_of_its_own(self) -> None:
        joined = self.join(
            main='import { one } from "./a.js";\n// For readers.\nconst own = 1;\none(own);\n',
            a="export const one = (x) => x;\nconst own = 2;\n",
        )
        self.assertEqual(
            joined,
            "const m0 = (() => {\nconst one = (x) => x;\nconst own = 2;\nreturn { one };\n})();\n"
            "const m1 = (() => {\nconst { one } = m0;\nconst own = 1;\none(own);\nreturn {  };\n"
            "})();\n",
        )

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
