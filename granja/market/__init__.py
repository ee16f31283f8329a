"""The rules of trading; knows no sockets, disks or clocks."""
