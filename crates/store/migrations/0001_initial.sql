-- Instants are microseconds since 1970; states and kinds are the numbers of src/sqlite/code.rs;
-- what ends in _json, and every column of run_document, is JSON text.

-- Counters. `last_…` keep keys growing after the newest rows were pruned.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta (name, value)
VALUES ('ended_runs', 0), ('last_run', 0), ('last_event', 0), ('probes', 0);

CREATE TABLE action (
    key        INTEGER PRIMARY KEY,
    identifier TEXT NOT NULL UNIQUE,
    revision   INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- `runs` counts the runs that name the revision.
CREATE TABLE action_revision (
    revision    INTEGER PRIMARY KEY AUTOINCREMENT,
    runs        INTEGER NOT NULL DEFAULT 0,
    orphaned_at INTEGER,
    document    TEXT NOT NULL
) STRICT;
CREATE INDEX action_revision_unused ON action_revision (revision) WHERE runs <= 0;
CREATE INDEX action_by_revision ON action (revision);

CREATE TABLE run (
    key                    INTEGER PRIMARY KEY,
    id                     TEXT NOT NULL,
    action                 TEXT NOT NULL,
    action_revision        INTEGER NOT NULL,
    blueprint              TEXT,
    entity                 TEXT,
    status                 INTEGER NOT NULL,
    label                  TEXT,
    label_by_engine        INTEGER NOT NULL,
    source                 INTEGER NOT NULL,
    required_approval_json TEXT NOT NULL,
    link_json              TEXT,
    summary                TEXT,
    external_run_id        TEXT,
    created_by             TEXT NOT NULL,
    updated_by             TEXT,
    created_at             INTEGER NOT NULL,
    updated_at             INTEGER NOT NULL,
    ended_at               INTEGER,
    rerun_of               TEXT,
    redeemed               INTEGER NOT NULL,
    redeemed_attempt       INTEGER,
    redeemed_by            TEXT,
    log_lines              INTEGER NOT NULL,
    version                INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX run_id ON run (id);
CREATE INDEX run_action ON run (action);
CREATE INDEX run_activity ON run ((ended_at IS NULL));
CREATE INDEX run_created_by ON run (created_by);
-- What the API asks for is most of what there is; walking the table finds it soon.
CREATE INDEX run_source ON run (source) WHERE source <> 1;
CREATE INDEX run_waiting ON run (action) WHERE status = 0;
CREATE INDEX run_ended ON run (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX run_blueprint ON run (blueprint) WHERE blueprint IS NOT NULL;
CREATE INDEX run_entity ON run (entity) WHERE entity IS NOT NULL;
CREATE INDEX run_external ON run (external_run_id) WHERE external_run_id IS NOT NULL;

CREATE TABLE run_document (
    run_key        INTEGER PRIMARY KEY,
    properties     TEXT NOT NULL,
    raw_properties TEXT,
    trigger_       TEXT NOT NULL,
    entity         TEXT,
    payload        TEXT,
    deferred       TEXT,
    response       TEXT,
    votes          TEXT
) STRICT;

-- A run has at most one delivery, so the run's key is its key.
CREATE TABLE delivery (
    run_key         INTEGER PRIMARY KEY,
    id              TEXT NOT NULL,
    receiver        INTEGER NOT NULL,
    destination     TEXT NOT NULL,
    connection      TEXT,
    repeat_         INTEGER NOT NULL,
    synchronized    INTEGER NOT NULL,
    state           INTEGER NOT NULL,
    due_at          INTEGER,
    attempt         INTEGER NOT NULL,
    attempts_used   INTEGER NOT NULL,
    has_left        INTEGER NOT NULL,
    scheduled_since INTEGER NOT NULL,
    diagnosis_json  TEXT,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    version         INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX delivery_id ON delivery (id);
CREATE INDEX delivery_destination ON delivery (destination);
CREATE INDEX delivery_due ON delivery (destination, due_at) WHERE state = 0;
CREATE INDEX delivery_overdue ON delivery (destination, scheduled_since) WHERE state = 0;
CREATE INDEX delivery_held ON delivery (state) WHERE state IN (1, 2);
CREATE INDEX delivery_watched ON delivery (due_at) WHERE state IN (4, 5) AND due_at IS NOT NULL;
CREATE INDEX delivery_resting ON delivery (state) WHERE state IN (0, 3, 5, 6, 7);

CREATE TABLE attempt (
    run_key         INTEGER NOT NULL,
    number          INTEGER NOT NULL,
    started_at      INTEGER NOT NULL,
    duration_micros INTEGER NOT NULL,
    status          INTEGER,
    outcome         INTEGER NOT NULL,
    signed_with     TEXT,
    diagnosis_json  TEXT,
    answer          TEXT,
    PRIMARY KEY (run_key, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    seq          INTEGER PRIMARY KEY,
    run_key      INTEGER NOT NULL,
    kind         INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    by           TEXT NOT NULL,
    changed_json TEXT NOT NULL
) STRICT;
CREATE INDEX event_run ON event (run_key);

CREATE TABLE log_line (
    run_key    INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    id         TEXT NOT NULL,
    message    TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (run_key, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    key        BLOB PRIMARY KEY,
    body       BLOB NOT NULL,
    run_id     TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_expiry ON idempotency (expires_at);

CREATE TABLE destination (
    destination      TEXT PRIMARY KEY,
    paused_until     INTEGER,
    last_accepted_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE document (
    row     INTEGER PRIMARY KEY AUTOINCREMENT,
    kind    INTEGER NOT NULL,
    key     TEXT NOT NULL,
    body    TEXT NOT NULL,
    sealed  BLOB,
    version INTEGER NOT NULL,
    UNIQUE (kind, key)
) STRICT;
