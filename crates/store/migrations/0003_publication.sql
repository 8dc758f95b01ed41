-- How a delivery was last given to agents; of all others nothing.
ALTER TABLE delivery ADD COLUMN publication_json TEXT;
CREATE INDEX delivery_published ON delivery (due_at) WHERE state = 3;
