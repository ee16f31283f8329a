"""Who is let in: passwords, and how many from where; knows no connection.

Words of this room:

- A *verifier* is what the ledger keeps instead of a password: a hash with its parameters.
- A *network* is what one stranger can have for free: an IPv4 address, or an IPv6 /64.
- To be *at home* is to come from a network from which the name has come in before.
- A *trusted* network is one that the operator names as exempt from limits.
"""
