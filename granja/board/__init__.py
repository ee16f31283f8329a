"""What is said, to everybody at once; knows no trade and nobody's name.

Words of this room:

- A *listener* is the place of one connection at the board.  It has *joined* while it hears the
  talk.
- A *group* is a set of listeners that the board writes to together.
- An *entry* is what one farmer, or the server, says at once.
- A *batch* holds the entries between two flushes of a group.  To *seal* a batch is to end it.
- To *flush* a group is to write its batch to its listeners.
- A *piece* is a kind and some bytes for one listener.
- A *note* is a piece, or the mark that a listener joins or leaves, with its position in a batch.
- A *fan-out* is the set of listeners for whom the same block of bytes fits.
- A listener is *touched* when it needs its own version of a batch.
- A *backlog* holds what a listener has not been sent yet.  It *follows* the talk or *skips* it.
- A *place* is a point in the talk: how many lines the board had before it.
"""
