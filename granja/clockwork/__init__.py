"""Time: what waits for it, what measures it, what happens only so often; the clock is an argument.

Words of this room:

- A *timer* has one call that waits, or none.
- A *stopwatch* counts how long things take.
- A *complaint* is a sentence for the log about what a stranger does wrong.
"""
