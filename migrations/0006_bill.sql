-- What a bill has beside tokens: units and factors, in records and in prices. In the types of 0001.
--
-- Codes are those of the enums in `src/domain/`. Which kinds of entries and which tiers there are is
-- checked by the program alone from here on.

-- Empty where a record has none, as mostly.
ALTER TABLE usage_records ADD COLUMN extras TEXT NOT NULL DEFAULT '';

-- `kind` and `tier` without their lists of values: a column is made, filled and renamed, because
-- not every database can drop the constraint of one.
ALTER TABLE usage_records ADD COLUMN any_kind INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage_records ADD COLUMN any_tier INTEGER NOT NULL DEFAULT 0;
UPDATE usage_records SET any_kind = kind, any_tier = tier WHERE kind <> 0 OR tier <> 0;
ALTER TABLE usage_records DROP COLUMN kind;
ALTER TABLE usage_records DROP COLUMN tier;
ALTER TABLE usage_records RENAME COLUMN any_kind TO kind;
ALTER TABLE usage_records RENAME COLUMN any_tier TO tier;

ALTER TABLE holds ADD COLUMN any_tier INTEGER NOT NULL DEFAULT 0;
UPDATE holds SET any_tier = tier;
ALTER TABLE holds DROP COLUMN tier;
ALTER TABLE holds RENAME COLUMN any_tier TO tier;

-- Lists of [kind, nano-units for 1,000], and of [name, multiplier in 10^-9, whether of units].
ALTER TABLE prices ADD COLUMN unit_rates TEXT NOT NULL DEFAULT '[]';
ALTER TABLE prices ADD COLUMN factors TEXT NOT NULL DEFAULT '[]';
