-- Which inputs of the run are encrypted, with the sealed values; of all other runs nothing.
ALTER TABLE run_document ADD COLUMN encrypted TEXT;
