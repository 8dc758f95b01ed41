-- An empty id is the run's own, under a delivery's letter. Those made before have another.
DROP INDEX delivery_id;
CREATE UNIQUE INDEX delivery_id ON delivery (id) WHERE id <> '';
-- Events stand with their run, in the order of `number`, which may have gaps.
CREATE TABLE event_of_run (
    run_key      INTEGER NOT NULL,
    number       INTEGER NOT NULL,
    kind         INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    by           TEXT NOT NULL,
    changed_json TEXT NOT NULL,
    PRIMARY KEY (run_key, number)
) STRICT, WITHOUT ROWID;
INSERT INTO event_of_run (run_key, number, kind, at, by, changed_json)
SELECT run_key, seq, kind, at, by, changed_json FROM event ORDER BY run_key, seq;
DROP TABLE event;
ALTER TABLE event_of_run RENAME TO event;
DELETE FROM meta WHERE name = 'last_event';
