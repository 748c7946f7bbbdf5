"""Who may do what: roles, tenants, the closed list of scopes, passwords, and what labs may count. Pure, no I/O."""
