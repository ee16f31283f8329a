"""Granja: a chat and trading post for farmers, served by Twisted.

Start reading at :mod:`granja.contract.commands` (what a farmer can type), then
:mod:`granja.market.market` (the rules of trading), then :mod:`granja.factory` (how the two meet).
"""

__version__ = "1.8.2"
