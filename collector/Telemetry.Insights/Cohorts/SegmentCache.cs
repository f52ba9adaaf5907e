using Microsoft.Data.Sqlite;
using Telemetry.Insights.Store;
using Telemetry.Registry;
using Telemetry.Registry.Storage;

namespace Telemetry.Insights.Cohorts;

/// <summary>Keeps <see cref="SegmentColumns"/> up to the store's last revision; a refresh reads only the users that changed.</summary>
/// <remarks>Thread-safe. 16 bytes a segment: 100,000 user-days of 20 segments take 32 MB.</remarks>
internal sealed class SegmentCache(InsightsStore store) : IDisposable
{
    private const string Columns = "user_id, start_minute, end_minute, scenario, model, detail";

    private readonly Lock _refreshing = new();
    private readonly SqliteConnection _reader = store.OpenReader();
    private readonly Dictionary<long, int> _scenarioOf = [];
    private readonly List<string> _scenarioNames = [];
    private readonly SortedSet<string> _modelVersions = new(StringComparer.Ordinal);
    private readonly Dictionary<long, string> _names = [];
    private readonly DeviceSets _deviceSets = new();
    private SegmentColumns _columns = new(-1, new Dictionary<long, UserSegments>(), [], [], []);

    /// <summary>The columns as of the store's last commit.</summary>
    public SegmentColumns Current()
    {
        long revision = store.Revision;
        SegmentColumns columns = Volatile.Read(ref _columns);
        if (columns.Revision == revision) return columns;
        lock (_refreshing)
        {
            if (_columns.Revision < store.Revision || store.Revision == 0 && _columns.Revision < 0) Volatile.Write(ref _columns, Refresh(_columns));
            return _columns;
        }
    }

    public void Dispose() => _reader.Dispose();

    private SegmentColumns Refresh(SegmentColumns before)
    {
        // One read transaction, so that revision, names and rows belong together.
        using SqliteTransaction snapshot = _reader.BeginTransaction(deferred: true);
        long revision = Rows(snapshot, "SELECT value FROM meta WHERE name = 'revision'", row => row.GetInt64(0))[0];
        foreach ((long id, string name) in Rows(snapshot, "SELECT name_id, name FROM names", row => (row.GetInt64(0), row.GetString(1)))) _names[id] = name;
        Dictionary<long, UserKey> keys = Rows(snapshot, "SELECT user_id, user FROM users", row => (row.GetInt64(0), UserKey.Parse(row.GetString(1)))).ToDictionary(pair => pair.Item1, pair => pair.Item2);

        Dictionary<long, UserSegments> users = before.Users.Where(user => keys.ContainsKey(user.Key)).ToDictionary();
        string rows = $"SELECT {Columns} FROM segments WHERE provisional = 0 AND replaced = {InsightsSchema.NotReplaced}";
        if (before.Revision < 0)
        {
            Load(snapshot, $"{rows} ORDER BY user_id, start_minute", keys, users);
        }
        else
        {
            List<long> changed = Rows(snapshot, $"""
                SELECT user_id FROM segments WHERE revision > {before.Revision}
                UNION SELECT user_id FROM segments WHERE replaced > {before.Revision} AND replaced < {InsightsSchema.NotReplaced}
                """, row => row.GetInt64(0));
            foreach (long user in changed)
            {
                users.Remove(user);
                Load(snapshot, $"{rows} AND user_id = {user} ORDER BY start_minute", keys, users);
            }
        }

        return new SegmentColumns(revision, users, [.. _scenarioNames], _deviceSets.ToArray(), [.. _modelVersions]);
    }

    private void Load(SqliteTransaction snapshot, string sql, Dictionary<long, UserKey> keys, Dictionary<long, UserSegments> users)
    {
        using Statement statement = new(_reader, sql, 0) { TransactionOf = () => snapshot };
        using SqliteDataReader rows = statement.Read();
        List<SegmentCell> segments = [];
        long user = 0;
        while (rows.Read())
        {
            if (rows.GetInt64(0) != user)
            {
                Take();
                user = rows.GetInt64(0);
            }

            if (_names.TryGetValue(rows.GetInt64(4), out string? model)) _modelVersions.Add(model);
            byte[] detail = rows.GetFieldValue<byte[]>(5);
            segments.Add(new SegmentCell(
                rows.GetInt32(1), rows.GetInt32(2), _deviceSets.NumberOf(SegmentDetail.ReadDevices(detail)), checked((ushort)ScenarioOf(rows.GetInt64(3))), (ushort)SegmentDetail.ReadPlace(detail)));
        }

        Take();

        void Take()
        {
            if (segments.Count > 0) users[user] = new UserSegments(keys[user], [.. segments]);
            segments.Clear();
        }
    }

    private int ScenarioOf(long nameId)
    {
        if (_scenarioOf.TryGetValue(nameId, out int index)) return index;
        _scenarioNames.Add(_names[nameId]);
        return _scenarioOf[nameId] = _scenarioNames.Count - 1;
    }

    private List<T> Rows<T>(SqliteTransaction snapshot, string sql, Func<SqliteDataReader, T> read)
    {
        using Statement statement = new(_reader, sql, 0) { TransactionOf = () => snapshot };
        using SqliteDataReader rows = statement.Read();
        List<T> list = [];
        while (rows.Read()) list.Add(read(rows));
        return list;
    }
}
