"""Who is here, under which name; knows a connection only as a Protocol."""
