-- Two runs with all that belongs to them, as schema version 7 writes them.
INSERT INTO action (key, identifier, revision, created_by, updated_by, created_at, updated_at)
VALUES (1, 'deploy', 1, 'ann', 'ann', 1767323045000000, 1767323045000000);
INSERT INTO action_revision (revision, runs, document) VALUES (1, 2, '{"identifier": "deploy"}');
INSERT INTO run (key, id, action, action_revision, blueprint, entity, status, label,
    label_by_engine, source, required_approval_json, link_json, summary, external_run_id,
    created_by, updated_by, created_at, updated_at, ended_at, rerun_of, redeemed,
    redeemed_attempt, redeemed_by, log_lines, version)
VALUES
    (1, 'r_0V9cC6Qe00000001', 'deploy', 1, 'service', 'checkout', 2, 'Deployed', 0, 1, 'false',
     '["https://ci.example/1"]', 'Done.', 'queue/1', 'ann', 'run token', 1767323045001000,
     1767323046000000, 1767323046000000, NULL, 1, 1, 'https://ci.example/1', 1, 3),
    (2, 'r_0V9cC6Qf00000002', 'deploy', 1, NULL, NULL, 0, NULL, 0, 0, '{"type":"ANY"}', NULL,
     NULL, NULL, 'bob', NULL, 1767323045002000, 1767323045002000, NULL, NULL, 0, NULL, NULL, 0,
     1);
INSERT INTO run_document (run_key, properties, raw_properties, trigger_, entity, payload,
    deferred, response, votes)
VALUES
    (1, '{"service":"checkout"}', NULL, '{"by":{"user":"ann"}}', '{"identifier":"checkout"}',
     '{"url":"https://ci.example"}', NULL, NULL, NULL),
    (2, '{}', NULL, '{"by":{"user":"bob"}}', NULL, NULL, NULL, NULL, NULL);
INSERT INTO delivery (run_key, id, receiver, destination, connection, repeat_, synchronized,
    state, due_at, attempt, attempts_used, has_left, scheduled_since, diagnosis_json, created_at,
    updated_at, version)
VALUES (1, '', 1, 'https://ci.example', 'c_0V9cC6Qe00000001', 0, 0, 4, NULL, 1,
    0, 1, 1767323045001000, NULL, 1767323045001000, 1767323045500000, 2);
INSERT INTO attempt (run_key, number, started_at, duration_micros, status, outcome, signed_with,
    diagnosis_json, answer)
VALUES (1, 1, 1767323045100000, 4200, 200, 0, 's_1', NULL, '{"jobs":{}}');
INSERT INTO event (run_key, number, kind, at, by, changed_json)
VALUES
    (1, 0, 0, 1767323045001000, 'ann', '{"status":"IN_PROGRESS"}'),
    (1, 1, 2, 1767323046000000, 'run token', '{"status":"SUCCESS"}'),
    (2, 0, 0, 1767323045002000, 'bob', '{"status":"WAITING_FOR_APPROVAL"}');
INSERT INTO log_line (run_key, number, id, message, created_by, created_at)
VALUES (1, 0, 'rl_0V9cC6Qe00000001', 'deploying', 'run token', 1767323045900000);
INSERT INTO idempotency (key, body, run_id, expires_at)
VALUES (x'00', x'01', 'r_0V9cC6Qe00000001', 1767409445000000);
INSERT INTO destination (destination, paused_until, last_accepted_at)
VALUES ('https://ci.example', NULL, 1767323045500000);
INSERT INTO document (kind, key, body, sealed, version)
VALUES (2, 'TOKEN', '{"name":"TOKEN"}', x'0102', 1);
UPDATE meta SET value = 1 WHERE name = 'ended_runs';
