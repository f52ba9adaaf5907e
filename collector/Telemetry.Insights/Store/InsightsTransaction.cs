using Microsoft.Data.Sqlite;
using Telemetry.Registry;
using Telemetry.Scenarios.Segments;

namespace Telemetry.Insights.Store;

/// <summary>One derivation step: everything in it becomes true together with the cursor, or not at all.</summary>
/// <remarks>Used by one thread at a time; statements are prepared once, so thousands of rows fit one commit.</remarks>
public sealed class InsightsTransaction : IDisposable
{
    private readonly InsightsStore _store;
    private readonly WriterStatements _statements;
    private readonly SqliteTransaction _transaction;
    private readonly long _revision;
    private bool _changesSegments;
    private bool _isOver;

    internal InsightsTransaction(InsightsStore store, WriterStatements statements)
    {
        (_store, _statements) = (store, statements);
        _revision = store.Revision + 1;
        _transaction = statements.Connection.BeginTransaction(deferred: false);
        statements.Transaction = _transaction;
    }

    /// <summary>The bytes of a user's minute, or null when there are none.</summary>
    public byte[]? GetMinute(UserKey user, int minute) => _statements.Minutes.Get(_statements.UserId(user), minute);

    /// <summary>Sets the bytes of a user's minute.</summary>
    public void PutMinute(UserKey user, int minute, byte[] state) => _statements.Minutes.Put(_statements.UserId(user), minute, state);

    /// <summary>Removes a user's minute, e.g. when its time was corrected.</summary>
    public void RemoveMinute(UserKey user, int minute) => _statements.Minutes.Remove(_statements.UserId(user), minute);

    /// <summary>The minutes of a user in [from, to), in order.</summary>
    public IReadOnlyList<(int Minute, byte[] State)> Minutes(UserKey user, int fromMinute, int toMinute) =>
        _statements.Minutes.Range(_statements.UserId(user), fromMinute, toMinute);

    /// <summary>A named value the derivation keeps, of a user or (default) of nobody; null when there is none.</summary>
    public byte[]? GetState(string name, UserKey user = default) =>
        user.IsEmpty ? (byte[]?)_statements.GetState.Scalar(0L, name)
        : _statements.FindUserId(user) is { } id ? (byte[]?)_statements.GetState.Scalar(id, name)
        : null; // an unknown user stays unknown

    /// <summary>The values that users have under one name, in no order.</summary>
    public IReadOnlyList<(UserKey User, byte[] Value)> StatesOfUsers(string name)
    {
        using SqliteDataReader rows = _statements.StatesOfUsers.Read(name);
        List<(UserKey, byte[])> states = [];
        while (rows.Read()) states.Add((UserKey.Parse(rows.GetString(0)), rows.GetFieldValue<byte[]>(1)));
        return states;
    }

    /// <summary>Keeps a named value. A user's values are removed with the user.</summary>
    public void PutState(string name, byte[] value, UserKey user = default) => _statements.PutState.Run(StateOwner(user), name, value);

    /// <summary>Forgets a named value.</summary>
    public void RemoveState(string name, UserKey user = default) => _statements.RemoveState.Run(StateOwner(user), name);

    /// <summary>The named values whose names begin with a prefix, in ordinal order.</summary>
    public IReadOnlyList<(string Name, byte[] Value)> States(string prefix, UserKey user = default)
    {
        using SqliteDataReader rows = _statements.States.Read(StateOwner(user), prefix, prefix + "\uFFFF");
        List<(string, byte[])> states = [];
        while (rows.Read()) states.Add((rows.GetString(0), rows.GetFieldValue<byte[]>(1)));
        return states;
    }

    /// <summary>The present segments of a user that touch [from, to), with what this transaction has changed.</summary>
    public IReadOnlyList<StoredSegment> Segments(UserKey user, int fromMinute, int toMinute)
    {
        using SqliteDataReader rows = _statements.CurrentSegments.Read(user.Text, fromMinute, toMinute, InsightsSchema.NotReplaced - 1);
        return StoredSegments.ReadAll(rows, user);
    }

    /// <summary>
    /// Replaces the user's segments in [from, to) by others. A segment that is the same as before keeps its row and revision; the rest get
    /// this commit's revision, and what they replace stays answerable as of earlier ones.
    /// </summary>
    /// <param name="user">Whose.</param>
    /// <param name="fromMinute">Inclusive; no present segment may reach over it.</param>
    /// <param name="toMinute">Exclusive; no present segment may reach over it.</param>
    /// <param name="segments">In order, without overlap, inside [from, to).</param>
    /// <exception cref="ArgumentException">The segments overlap or leave the range, or a present one reaches over its edge.</exception>
    public void ReplaceSegments(UserKey user, int fromMinute, int toMinute, IReadOnlyList<Segment> segments)
    {
        CheckOrder(segments, fromMinute, toMinute);
        long userId = _statements.UserId(user);
        List<Row> present = Present(userId, fromMinute, toMinute);
        if (present.Count > 0 && (present[0].StartMinute < fromMinute || present[^1].EndMinute > toMinute))
        {
            throw new ArgumentException(
                $"Present segments reach from minute {present[0].StartMinute} to {present[^1].EndMinute}, over the edge of [{fromMinute}, {toMinute}). Replace whole segments.", nameof(fromMinute));
        }

        HashSet<Row> kept = [.. present];
        foreach (Segment segment in segments)
        {
            Row row = new(
                segment.StartMinute, segment.EndMinute, _statements.NameId(segment.Scenario), _statements.NameId(segment.ModelVersion), segment.Confidence,
                segment.IsProvisional, Convert.ToBase64String(SegmentDetail.Write(segment)));
            if (kept.Remove(row)) continue;
            _statements.AddSegment.Run(
                userId, row.StartMinute, row.EndMinute, row.Scenario, row.Model, row.Confidence, row.IsProvisional ? 1 : 0, Convert.FromBase64String(row.Detail), _revision);
            _changesSegments = true;
        }

        foreach (Row gone in kept)
        {
            _statements.ReplaceSegment.Run(gone.SegmentId, _revision);
            _changesSegments = true;
        }
    }

    /// <summary>Makes the step true: all its changes and the new cursor at once.</summary>
    /// <param name="cursor">Log position up to which everything is derived now; never less than before.</param>
    /// <returns>The revision that readers see from now on.</returns>
    public long Commit(long cursor)
    {
        ObjectDisposedException.ThrowIf(_isOver, this);
        ArgumentOutOfRangeException.ThrowIfLessThan(cursor, _store.Cursor);
        long revision = _changesSegments ? _revision : _store.Revision;
        _statements.WriteMeta.Run("cursor", cursor);
        if (_changesSegments) _statements.WriteMeta.Run("revision", revision);
        _transaction.Commit();
        End(cursor, revision);
        return revision;
    }

    /// <summary>Undoes the step unless it was committed.</summary>
    public void Dispose()
    {
        if (_isOver) return;
        try
        {
            _transaction.Rollback();
        }
        finally
        {
            _statements.ForgetIds();
            End(null, null);
        }
    }

    private void End(long? cursor, long? revision)
    {
        _isOver = true;
        _statements.Transaction = null;
        _transaction.Dispose();
        _store.Ended(cursor, revision);
    }

    private long StateOwner(UserKey user) => user.IsEmpty ? 0 : _statements.UserId(user);

    private List<Row> Present(long userId, int fromMinute, int toMinute)
    {
        using SqliteDataReader rows = _statements.CurrentRows.Read(userId, fromMinute, toMinute);
        List<Row> present = [];
        while (rows.Read())
        {
            present.Add(new Row(
                rows.GetInt32(1), rows.GetInt32(2), rows.GetInt64(3), rows.GetInt64(4), rows.GetDouble(5), rows.GetInt64(6) != 0,
                Convert.ToBase64String(rows.GetFieldValue<byte[]>(7))) { SegmentId = rows.GetInt64(0) });
        }

        return present;
    }

    private static void CheckOrder(IReadOnlyList<Segment> segments, int fromMinute, int toMinute)
    {
        int end = fromMinute;
        foreach (Segment segment in segments)
        {
            if (segment.StartMinute < end || segment.EndMinute <= segment.StartMinute || segment.EndMinute > toMinute)
            {
                throw new ArgumentException(
                    $"Segment [{segment.StartMinute}, {segment.EndMinute}) overlaps the one before it or leaves [{fromMinute}, {toMinute}).", nameof(segments));
            }

            end = segment.EndMinute;
        }
    }

    // Value equality over everything a segment says, so that what is unchanged keeps its row.
    private sealed record Row(int StartMinute, int EndMinute, long Scenario, long Model, double Confidence, bool IsProvisional, string Detail)
    {
        public long SegmentId { get; init; }

        public bool Equals(Row? other) =>
            other is not null && StartMinute == other.StartMinute && EndMinute == other.EndMinute && Scenario == other.Scenario && Model == other.Model
            && Confidence.Equals(other.Confidence) && IsProvisional == other.IsProvisional && Detail == other.Detail;

        public override int GetHashCode() => HashCode.Combine(StartMinute, EndMinute, Scenario);
    }
}
