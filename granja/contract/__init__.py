"""PROTOCOL.md as code: ids, catalog, errors, messages, commands, answers.

All Spanish that a server says is here.

Words of this room:

- An *artifact* has a number and a name; the *catalog* lists all of them.
- A *message* is one line for one listener, and the same as data.
- An *error* is a refusal that a farmer reads.
- A *command* is a row of the table; a *slip* is a secret that somebody types as talk by mistake.
"""
