using Microsoft.Data.Sqlite;
using Telemetry.Registry;
using Telemetry.Registry.Storage;
using Telemetry.Scenarios.Minutes;
using Telemetry.Scenarios.Segments;

namespace Telemetry.Insights.Store;

/// <summary>
/// Minutes and segments at rest, in SQLite. One writer derives from the log: each step reads and writes inside one transaction that also
/// moves the log cursor, so a crash at any instant leaves a state that some prefix of the log explains.
/// </summary>
/// <remarks>
/// Thread-safe. One transaction at a time (<see cref="Begin"/> waits); readers see the last commit and never wait for the writer.
/// A power cut may take back the last commits, never part of one: they are derived again from the log.
/// </remarks>
public sealed partial class InsightsStore : IDisposable
{
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly Lock _reading = new();
    private readonly SqliteConnection _writer;
    private readonly SqliteConnection _reader;
    private readonly WriterStatements _statements;
    private readonly Statement _segments, _minutes, _changes;
    private readonly string _path;

    private InsightsStore(string path)
    {
        _path = path;
        // The log is the truth behind this file, so commits need not wait for the disk.
        _writer = SqliteFile.Open(path, "NORMAL", InsightsSchema.Migrations);
        _reader = SqliteFile.OpenReader(path);
        _statements = new WriterStatements(_writer);
        _segments = new Statement(_reader, StoredSegments.SelectAsOf, 4);
        _minutes = new Statement(
            _reader, "SELECT minute, state FROM minutes WHERE user_id = (SELECT user_id FROM users WHERE user = ?1) AND minute >= ?2 AND minute < ?3 ORDER BY minute", 3);
        _changes = new Statement(_reader, StoredSegments.SelectChanges, 1);
        Cursor = _statements.ReadMeta("cursor");
        Revision = _statements.ReadMeta("revision");
    }

    /// <summary>Log position up to which everything is derived; 0 in a new file.</summary>
    public long Cursor { get; private set; }

    /// <summary>Number of the last commit that changed a segment; 0 in a new file.</summary>
    public long Revision { get; private set; }

    /// <summary>Opens or creates the file; its folder must exist.</summary>
    /// <exception cref="RegistryException">The file is damaged, or of a newer program.</exception>
    public static InsightsStore Open(string path) => new(path);

    /// <summary>Begins a derivation step; waits while another is open.</summary>
    /// <returns>The transaction. Disposing it without <see cref="InsightsTransaction.Commit"/> undoes everything in it.</returns>
    public InsightsTransaction Begin()
    {
        _writing.Wait();
        try
        {
            return new InsightsTransaction(this, _statements);
        }
        catch
        {
            _writing.Release();
            throw;
        }
    }

    /// <summary>The segments of a user that touch [from, to), in order of time.</summary>
    /// <param name="user">Whose.</param>
    /// <param name="fromMinute">Inclusive, minutes since 1970 UTC.</param>
    /// <param name="toMinute">Exclusive.</param>
    /// <param name="asOfRevision">What was said after that revision; 0 = now.</param>
    public IReadOnlyList<StoredSegment> Segments(UserKey user, int fromMinute, int toMinute, long asOfRevision = 0)
    {
        lock (_reading)
        {
            using SqliteDataReader rows = _segments.Read(user.Text, fromMinute, toMinute, asOfRevision == 0 ? InsightsSchema.NotReplaced - 1 : asOfRevision);
            return StoredSegments.ReadAll(rows, user);
        }
    }

    /// <summary>Where segments changed behind a revision, for whoever keeps a copy of them.</summary>
    /// <param name="revision">What the copy is of; 0 = nothing. Read <see cref="Revision"/> before this call for the next one: what is committed in between comes twice.</param>
    /// <returns>One stretch a user, in the order of the users' first appearance; nothing of users that were erased.</returns>
    public IReadOnlyList<ChangedSegments> ChangesSince(long revision)
    {
        lock (_reading)
        {
            using SqliteDataReader rows = _changes.Read(revision);
            List<ChangedSegments> changes = [];
            while (rows.Read()) changes.Add(new ChangedSegments(UserKey.Parse(rows.GetString(0)), rows.GetInt32(1), rows.GetInt32(2)));
            return changes;
        }
    }

    /// <summary>The stored minutes of a user in [from, to), in order of time.</summary>
    /// <param name="user">Whose.</param>
    /// <param name="fromMinute">Inclusive, minutes since 1970 UTC.</param>
    /// <param name="toMinute">Exclusive.</param>
    public IReadOnlyList<(int Minute, MinuteRow Row)> Minutes(UserKey user, int fromMinute, int toMinute)
    {
        lock (_reading)
        {
            using SqliteDataReader rows = _minutes.Read(user.Text, fromMinute, toMinute);
            List<(int, MinuteRow)> minutes = [];
            while (rows.Read()) minutes.Add((rows.GetInt32(0), MinuteRowCodec.Read(rows.GetFieldValue<byte[]>(1))));
            return minutes;
        }
    }

    /// <summary>The first and the last stored minute of a user; null when there is none.</summary>
    public (int First, int Last)? MinuteSpan(UserKey user)
    {
        lock (_reading)
        {
            using SqliteCommand command = _reader.CreateCommand();
            command.CommandText = "SELECT min(minute), max(minute) FROM minutes WHERE user_id = (SELECT user_id FROM users WHERE user = $user)";
            command.Parameters.AddWithValue("$user", user.Text);
            using SqliteDataReader row = command.ExecuteReader();
            return row.Read() && !row.IsDBNull(0) ? (row.GetInt32(0), row.GetInt32(1)) : null;
        }
    }

    /// <summary>The users that have anything at rest here, in the order of their first appearance.</summary>
    public IReadOnlyList<UserKey> Users()
    {
        lock (_reading)
        {
            using SqliteCommand command = _reader.CreateCommand();
            command.CommandText = "SELECT user FROM users ORDER BY user_id";
            using SqliteDataReader rows = command.ExecuteReader();
            List<UserKey> users = [];
            while (rows.Read()) users.Add(UserKey.Parse(rows.GetString(0)));
            return users;
        }
    }

    /// <summary>
    /// The store's part of an erasure: removes a user's minutes, states and segments with all their revisions, and takes the bytes off the
    /// disk. What is left is what a replay of the log without the user's batches derives.
    /// </summary>
    /// <remarks>Erase in the registry first: then no derivation step that begins later can bring the user back. Waits for an open transaction.</remarks>
    public InsightsErasure EraseUser(UserKey user)
    {
        _writing.Wait();
        long? revision = null;
        try
        {
            using SqliteTransaction transaction = _writer.BeginTransaction(deferred: false);
            int Delete(string table)
            {
                using Statement delete = new(_writer, $"DELETE FROM {table} WHERE user_id = (SELECT user_id FROM users WHERE user = ?1)", 1) { TransactionOf = () => transaction };
                return delete.Run(user.Text);
            }

            InsightsErasure erased = new(Delete("minutes"), Delete("segments"), Delete("states"));
            Delete("users");
            _statements.Transaction = transaction;
            _statements.WriteMeta.Run("revision", Revision + 1); // what cohort queries hold in memory is out of date
            transaction.Commit();
            revision = Revision + 1;
            return erased;
        }
        finally
        {
            _statements.Transaction = null;
            _statements.ForgetIds();
            if (revision is not null)
            {
                // Freed pages are zeroed (secure_delete); the write-ahead log still holds old ones until it is folded in.
                using Statement checkpoint = new(_writer, "PRAGMA wal_checkpoint(TRUNCATE)", 0);
                checkpoint.Run();
            }

            Ended(null, revision);
        }
    }

    /// <summary>Closes the file; waits for an open transaction.</summary>
    public void Dispose()
    {
        _writing.Wait();
        _statements.Dispose();
        lock (_reading)
        {
            _segments.Dispose();
            _minutes.Dispose();
            _changes.Dispose();
            _reader.Dispose();
        }

        _writer.Dispose();
        _writing.Dispose();
    }

    /// <summary>Another connection for reading; its owner disposes it.</summary>
    internal SqliteConnection OpenReader() => SqliteFile.OpenReader(_path);

    internal void Ended(long? cursor, long? revision)
    {
        Cursor = cursor ?? Cursor;
        Revision = revision ?? Revision;
        _writing.Release();
    }
}

/// <summary>What the store removed for an erasure.</summary>
/// <param name="Minutes">Feature rows.</param>
/// <param name="Segments">Segments, old revisions included.</param>
/// <param name="States">Values the derivation kept for the user.</param>
public sealed record InsightsErasure(int Minutes, int Segments, int States);

/// <summary>A segment as the store holds it.</summary>
/// <param name="User">Whose.</param>
/// <param name="Segment">What was derived.</param>
/// <param name="Revision">The revision that said so first.</param>
public sealed record StoredSegment(UserKey User, Segment Segment, long Revision);

/// <summary>A stretch of a user's time that holds every segment which came or was replaced; none reaches over its edges.</summary>
/// <param name="User">Whose.</param>
/// <param name="FromMinute">Inclusive, minutes since 1970 UTC.</param>
/// <param name="ToMinute">Exclusive.</param>
public readonly record struct ChangedSegments(UserKey User, int FromMinute, int ToMinute);

/// <summary>How segment rows are read, by the writer and by readers.</summary>
internal static class StoredSegments
{
    private const string Columns =
        "s.start_minute, s.end_minute, (SELECT name FROM names WHERE name_id = s.scenario), (SELECT name FROM names WHERE name_id = s.model), s.confidence, s.provisional, s.detail, s.revision";

    /// <summary>?1 user text, ?2 from, ?3 to, ?4 as-of revision.</summary>
    public const string SelectAsOf = $"""
        SELECT {Columns} FROM segments s
        WHERE s.user_id = (SELECT user_id FROM users WHERE user = ?1) AND s.end_minute > ?2 AND s.start_minute < ?3 AND s.revision <= ?4 AND s.replaced > ?4
        ORDER BY s.start_minute
        """;

    /// <summary>?1 revision. A row that was replaced since is as much a change as one that came.</summary>
    public static readonly string SelectChanges = $"""
        SELECT u.user, min(c.start_minute), max(c.end_minute) FROM (
          SELECT user_id, start_minute, end_minute FROM segments WHERE revision > ?1
          UNION ALL SELECT user_id, start_minute, end_minute FROM segments WHERE replaced > ?1 AND replaced < {InsightsSchema.NotReplaced}) c
        JOIN users u ON u.user_id = c.user_id GROUP BY u.user_id ORDER BY u.user_id
        """;

    public static List<StoredSegment> ReadAll(SqliteDataReader rows, UserKey user)
    {
        List<StoredSegment> segments = [];
        while (rows.Read())
        {
            (IReadOnlyList<uint> devices, IReadOnlyList<Evidence> evidence, int place) = SegmentDetail.Read(rows.GetFieldValue<byte[]>(6));
            Segment segment = new(
                rows.GetString(2), rows.GetInt32(0), rows.GetInt32(1), rows.GetDouble(4), evidence, devices, rows.GetString(3), rows.GetInt64(5) != 0) { Place = place };
            segments.Add(new StoredSegment(user, segment, rows.GetInt64(7)));
        }

        return segments;
    }
}
