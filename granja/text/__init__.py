"""What may reach a terminal, and what a name is; knows no connection.

Words of this room:

- *Clean* text has nothing that harms or deceives a reader's terminal.
- *Talk* is *squeezed* when it has no more than 8 spaces in a row.
- A name's *spelling* is how its owner writes it.  Its *folded* form has no case.
- A *skeleton* shows what a text looks like: texts that look alike have the same skeleton.
- An *extender* is an invisible character that changes the character before it.
"""
