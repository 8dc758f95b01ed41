-- One index for every delivery that is not done. SQLite builds a table for `IN` with more than two
-- values each time that a row is written, which cost more than the row itself.
DROP INDEX delivery_held;
DROP INDEX delivery_resting;
CREATE INDEX delivery_not_done ON delivery (state) WHERE state <> 4;
