"""``python -m tools.reference``."""

from tools.reference import write_pages

write_pages()
