-- Of what is for agents: which action it is, and of an integration's which type, so that a claim that
-- leaves some of them out steps over however many of those wait. Of all other deliveries nothing.
ALTER TABLE delivery ADD COLUMN action TEXT;
ALTER TABLE delivery ADD COLUMN action_type TEXT;
UPDATE delivery SET
    action = (SELECT run.action FROM run WHERE run.key = delivery.run_key),
    action_type = coalesce((
        SELECT CAST(json_extract(run_document.payload, '$.integrationActionType') AS TEXT)
        FROM run_document
        WHERE run_document.run_key = delivery.run_key AND json_valid(run_document.payload)
    ), '')
WHERE receiver = 3;
CREATE INDEX delivery_due_action ON delivery (destination, action, action_type, due_at)
    WHERE state = 0 AND action IS NOT NULL;
