"""Read models: what pages and API show, built from documents; paging and redaction happen here, writes never."""
