"""How the nodes of a farm reach one another; knows subjects and bytes, not what they mean."""
