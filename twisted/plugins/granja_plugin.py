"""Tells twistd about Granja.  There is no __init__.py here: the package is Twisted's own."""

from twisted.application.service import ServiceMaker

serviceMaker = ServiceMaker(  # noqa: N816  (the name that twistd looks for)
    "Granja",
    "granja.tap",
    "A chat and trading post for farmers.",
    "granja",
)
