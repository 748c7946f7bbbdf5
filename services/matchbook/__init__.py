"""The matchbook: keeps each match's life, applies the gates, and says which matches are approved or withdrawn."""
