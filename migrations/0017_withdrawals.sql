-- Prices and exchange rates that were wrong: they stay, and do not count. In the types of 0001.

CREATE TABLE withdrawals (
    -- 0: a price, by its id. 1: an exchange rate, as FROM/TO/effective_time.
    kind INTEGER NOT NULL,
    id TEXT NOT NULL,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    withdraw_time INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
);
