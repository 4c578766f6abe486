"""Money, periods, packs, orders, rating and invoices: pure functions of facts and a date."""
