"""Tools that make or check files of the repository.  Run them from its top; nobody installs
them."""
