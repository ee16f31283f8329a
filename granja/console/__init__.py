"""What an operator asks of a running farm, through a socket of its own.

Words of this room:

- An *errand* is one command of the operator.
- A *drained* farm lets nobody new in, and ends when nobody is left.
"""
