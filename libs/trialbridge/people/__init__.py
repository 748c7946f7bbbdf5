"""Who is who, and what is known of them: identity, survivorship and the pure fold of contributions into one view."""
