-- What a run is made with, as one LZ4 block after its length (src/sqlite/packed.rs): properties, raw_properties, trigger_,
-- entity and payload, whose own columns are then empty. A column that is not empty was written later, and holds.
ALTER TABLE run_document ADD COLUMN packed BLOB;
