namespace Telemetry.Registry;

/// <summary>Schema of registry.db. Scripts are only ever added; a script that was released never changes.</summary>
internal static class RegistrySchema
{
    public static readonly string[] Migrations =
    [
        """
        -- AUTOINCREMENT: a key is never given twice, also after its row is gone.
        CREATE TABLE brands(brand_key INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL);

        CREATE TABLE models(
          brand_key INTEGER NOT NULL REFERENCES brands, id TEXT NOT NULL, version INTEGER NOT NULL, hash INTEGER NOT NULL, profile TEXT NOT NULL,
          PRIMARY KEY(brand_key, id, version), UNIQUE(brand_key, hash)) WITHOUT ROWID;

        -- secret: 16 bytes salt, then SHA-256(salt + secret).
        CREATE TABLE devices(
          device_key INTEGER PRIMARY KEY AUTOINCREMENT, brand_key INTEGER NOT NULL REFERENCES brands, id TEXT NOT NULL, model TEXT NOT NULL,
          hub INTEGER NOT NULL, secret BLOB NOT NULL, UNIQUE(brand_key, id));

        CREATE TABLE users(user TEXT PRIMARY KEY, utc_offset_minutes INTEGER NOT NULL) WITHOUT ROWID;

        -- [from_unix_ms, to_unix_ms); the ranges of one device never overlap. Open: to_unix_ms = 9223372036854775807.
        CREATE TABLE bindings(
          device_key INTEGER NOT NULL REFERENCES devices, from_unix_ms INTEGER NOT NULL, to_unix_ms INTEGER NOT NULL, user TEXT NOT NULL REFERENCES users,
          PRIMARY KEY(device_key, from_unix_ms)) WITHOUT ROWID;
        CREATE INDEX bindings_of_user ON bindings(user);

        -- What a user said, in the order said: "from this time on, yes or no". Rows are only added.
        CREATE TABLE consents(
          consent_id INTEGER PRIMARY KEY AUTOINCREMENT, user TEXT NOT NULL REFERENCES users, purpose INTEGER NOT NULL, recipient TEXT NOT NULL,
          granted INTEGER NOT NULL, from_unix_ms INTEGER NOT NULL, recorded_unix_ms INTEGER NOT NULL);
        CREATE INDEX consents_of_user ON consents(user);

        -- Epochs whose data was erased: a late batch of one is refused (promise 8).
        CREATE TABLE erased_epochs(device_key INTEGER NOT NULL REFERENCES devices, epoch INTEGER NOT NULL, PRIMARY KEY(device_key, epoch)) WITHOUT ROWID;
        """,
        """
        -- What a user was asked, or said unasked (device_key 0), about [from_minute, to_minute) since 1970 UTC. choices: "+run,-run": it was, it was not.
        -- choice: which of them holds, -1 while unanswered. changed: grows with every answer of anyone, so that whoever derives from them sees what is new.
        CREATE TABLE questions(
          question_id INTEGER PRIMARY KEY AUTOINCREMENT, user TEXT NOT NULL REFERENCES users, device_key INTEGER NOT NULL, from_minute INTEGER NOT NULL,
          to_minute INTEGER NOT NULL, choices TEXT NOT NULL, suggested TEXT NOT NULL, model TEXT NOT NULL, asked_unix_ms INTEGER NOT NULL,
          choice INTEGER NOT NULL, said_unix_ms INTEGER NOT NULL, changed INTEGER NOT NULL);
        CREATE INDEX questions_of_user ON questions(user);
        CREATE INDEX questions_of_device ON questions(device_key, asked_unix_ms);
        CREATE INDEX questions_by_change ON questions(changed);
        """,
        """
        -- What a device is told until it is told otherwise. A device that was ordered once keeps its row: whoever holds its last Command must get an empty one.
        -- upload_interval_s 0 and question_id 0: no such order. question_signal: the event that carries the answer. confirmed 0: the device has not confirmed them.
        CREATE TABLE orders(
          device_key INTEGER PRIMARY KEY REFERENCES devices, upload_interval_s INTEGER NOT NULL, upload_offset_s INTEGER NOT NULL, upload_since_unix_ms INTEGER NOT NULL,
          question_id INTEGER NOT NULL, question_signal INTEGER NOT NULL, question_since_unix_ms INTEGER NOT NULL, confirmed_unix_ms INTEGER NOT NULL);

        -- period_ms 0: none of the signal.
        CREATE TABLE capture_orders(
          device_key INTEGER NOT NULL REFERENCES devices, signal INTEGER NOT NULL, period_ms INTEGER NOT NULL, since_unix_ms INTEGER NOT NULL,
          PRIMARY KEY(device_key, signal)) WITHOUT ROWID;
        """,
        """
        -- batch_max_bytes 0: batches are as long as the firmware makes them.
        ALTER TABLE orders ADD COLUMN batch_max_bytes INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE orders ADD COLUMN batch_since_unix_ms INTEGER NOT NULL DEFAULT 0;
        """,
    ];
}
