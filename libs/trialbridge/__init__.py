"""Trialbridge: live, explained, provable matching of cancer patients to open clinical trials."""
