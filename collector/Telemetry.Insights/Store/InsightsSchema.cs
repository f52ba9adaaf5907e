namespace Telemetry.Insights.Store;

/// <summary>Schema of insights.db. Scripts are only ever added; a script that was released never changes.</summary>
internal static class InsightsSchema
{
    /// <summary>The value of <c>segments.replaced</c> while nothing has replaced a row.</summary>
    public const long NotReplaced = long.MaxValue;

    public static readonly string[] Migrations =
    [
        """
        CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        INSERT INTO meta VALUES('cursor', 0), ('revision', 0);

        CREATE TABLE users(user_id INTEGER PRIMARY KEY AUTOINCREMENT, user TEXT NOT NULL UNIQUE);
        CREATE TABLE names(name_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

        -- One feature row a user and minute (minutes since 1970 UTC); the bytes are the scenarios room's.
        CREATE TABLE minutes(user_id INTEGER NOT NULL, minute INTEGER NOT NULL, state BLOB NOT NULL, PRIMARY KEY(user_id, minute)) WITHOUT ROWID;

        -- A row holds from revision on, until the revision in which another replaced it: as-of r is revision <= r < replaced.
        CREATE TABLE segments(
          segment_id INTEGER PRIMARY KEY,
          user_id INTEGER NOT NULL, start_minute INTEGER NOT NULL, end_minute INTEGER NOT NULL,
          scenario INTEGER NOT NULL, model INTEGER NOT NULL, confidence REAL NOT NULL, provisional INTEGER NOT NULL,
          detail BLOB NOT NULL, revision INTEGER NOT NULL, replaced INTEGER NOT NULL);
        -- Segments of a user do not overlap, so the ones that reach past a minute begin where end_minute passes it.
        CREATE INDEX segments_of_user ON segments(user_id, replaced, end_minute, start_minute);
        CREATE INDEX segments_by_revision ON segments(revision);

        -- What the derivation must remember between steps, of one user or (user_id 0) of nobody.
        CREATE TABLE states(user_id INTEGER NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY(user_id, name)) WITHOUT ROWID;
        """,
        // Which users changed since a revision, for the columns that cohort queries scan.
        "CREATE INDEX segments_by_replaced ON segments(replaced) WHERE replaced < 9223372036854775807",
    ];
}
