"""Who is here, under which name; knows a connection only as a Protocol.

Words of this room:

- A *farmer* is a person: a *visitor* for one visit, or *registered* for good.
- A farmer is *present* while they are in the chat, with or without a connection.
- A farmer *lingers* when their connection is lost and we expect them back.
- A *visit* is one stay in the chat.
- A *pass* brings a farmer back without name, list or password.
- *On record* means: a fact in the ledger says so.
- The *news* of a farmer is what they have not heard yet about their offers.
- A farmer's *home* is a network from which they have come in before.
"""
