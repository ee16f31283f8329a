"""How the nodes of a farm reach one another; knows subjects and bytes, not what they mean.

Words of this room:

- A node *publishes* under a *subject*, and hears the subjects that it *subscribes* to.
- A *request* is a question under a subject; one node *answers* it.
- The bus is *up* while this node can reach it, else *away*.
"""
