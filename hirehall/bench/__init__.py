"""What a hall carries: every load that is put on one, and what is measured meanwhile."""
