"""The servers that are measured: how each is found, configured and started."""

from benchmarks.servers.server import ROOT as ROOT, Server as Server, Start as Start
from benchmarks.servers.table import SERVERS as SERVERS, named as named
