using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Telemetry.Insights.Store;

/// <summary>The minutes of all users. By far the most rows a derivation step reads and writes, so they are bound straight to SQLite: a row costs a third of what a command costs.</summary>
/// <remarks>Used inside the one open transaction of its connection only.</remarks>
internal sealed class MinuteTable(SqliteConnection connection) : IDisposable
{
    private readonly sqlite3 _database = connection.Handle!;
    private readonly sqlite3_stmt _get = Prepare(connection, "SELECT state FROM minutes WHERE user_id = ?1 AND minute = ?2");
    private readonly sqlite3_stmt _put = Prepare(connection, "INSERT INTO minutes VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET state = excluded.state");
    private readonly sqlite3_stmt _remove = Prepare(connection, "DELETE FROM minutes WHERE user_id = ?1 AND minute = ?2");
    private readonly sqlite3_stmt _range = Prepare(connection, "SELECT minute, state FROM minutes WHERE user_id = ?1 AND minute >= ?2 AND minute < ?3 ORDER BY minute");

    /// <summary>The bytes of a minute, or null when there are none.</summary>
    public byte[]? Get(long userId, int minute)
    {
        Bind(_get, userId, minute);
        byte[]? state = Step(_get) ? raw.sqlite3_column_blob(_get, 0).ToArray() : null;
        Reset(_get);
        return state;
    }

    /// <summary>Sets the bytes of a minute.</summary>
    public void Put(long userId, int minute, ReadOnlySpan<byte> state)
    {
        Bind(_put, userId, minute);
        Check(raw.sqlite3_bind_blob(_put, 3, state));
        Step(_put);
        Reset(_put);
    }

    /// <summary>Removes a minute.</summary>
    public void Remove(long userId, int minute)
    {
        Bind(_remove, userId, minute);
        Step(_remove);
        Reset(_remove);
    }

    /// <summary>The minutes in [from, to), in order.</summary>
    public List<(int Minute, byte[] State)> Range(long userId, int fromMinute, int toMinute)
    {
        Bind(_range, userId, fromMinute);
        Check(raw.sqlite3_bind_int(_range, 3, toMinute));
        List<(int, byte[])> minutes = [];
        while (Step(_range)) minutes.Add((raw.sqlite3_column_int(_range, 0), raw.sqlite3_column_blob(_range, 1).ToArray()));
        Reset(_range);
        return minutes;
    }

    public void Dispose()
    {
        foreach (sqlite3_stmt statement in (sqlite3_stmt[])[_get, _put, _remove, _range]) statement.Dispose();
    }

    private static sqlite3_stmt Prepare(SqliteConnection connection, string sql)
    {
        SqliteException.ThrowExceptionForRC(raw.sqlite3_prepare_v2(connection.Handle, sql, out sqlite3_stmt statement), connection.Handle);
        return statement;
    }

    private void Bind(sqlite3_stmt statement, long userId, int minute)
    {
        Check(raw.sqlite3_bind_int64(statement, 1, userId));
        Check(raw.sqlite3_bind_int(statement, 2, minute));
    }

    // True for a row. A statement that failed is reset too, so that it can be used in the next transaction.
    private bool Step(sqlite3_stmt statement)
    {
        int code = raw.sqlite3_step(statement);
        if (code is raw.SQLITE_ROW or raw.SQLITE_DONE) return code == raw.SQLITE_ROW;
        Reset(statement);
        SqliteException.ThrowExceptionForRC(code, _database);
        return false;
    }

    private static void Reset(sqlite3_stmt statement) => raw.sqlite3_reset(statement);

    private void Check(int code)
    {
        if (code != raw.SQLITE_OK) SqliteException.ThrowExceptionForRC(code, _database);
    }
}
