"""What moderators may do to whom, and for how long; knows people, not connections.

Words of this room:

- A *moderator* is a registered farmer whom the operator names.
- An *act* is one thing that a moderator, or the operator, has done.
- A *sanction* forbids something for a time: a *ban* to come in, a *mute* to speak.
- A sanction *stands* until its end.
- To *put out* is to end somebody's visit.
"""
