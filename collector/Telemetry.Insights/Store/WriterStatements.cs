using System.Globalization;
using Microsoft.Data.Sqlite;
using Telemetry.Registry;
using Telemetry.Registry.Storage;

namespace Telemetry.Insights.Store;

/// <summary>The prepared statements of the writing connection, and the small ids of users and names it has seen.</summary>
/// <remarks>Used by the one open transaction only.</remarks>
internal sealed class WriterStatements : IDisposable
{
    private readonly Dictionary<UserKey, long> _userIds = [];
    private readonly Dictionary<string, long> _nameIds = new(StringComparer.Ordinal);
    private readonly List<Statement> _all = [];
    private readonly Statement _readMeta;
    private readonly Statement _findUser;
    private readonly Statement _addUser;
    private readonly Statement _findName;
    private readonly Statement _addName;

    public WriterStatements(SqliteConnection connection)
    {
        Connection = connection;
        _readMeta = Prepare("SELECT value FROM meta WHERE name = ?1", 1);
        _findUser = Prepare("SELECT user_id FROM users WHERE user = ?1", 1);
        _addUser = Prepare("INSERT INTO users(user) VALUES(?1) RETURNING user_id", 1);
        _findName = Prepare("SELECT name_id FROM names WHERE name = ?1", 1);
        _addName = Prepare("INSERT INTO names(name) VALUES(?1) RETURNING name_id", 1);
        WriteMeta = Prepare("UPDATE meta SET value = ?2 WHERE name = ?1", 2);
        Minutes = new MinuteTable(connection);
        GetState = Prepare("SELECT value FROM states WHERE user_id = ?1 AND name = ?2", 2);
        PutState = Prepare("INSERT INTO states VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET value = excluded.value", 3);
        RemoveState = Prepare("DELETE FROM states WHERE user_id = ?1 AND name = ?2", 2);
        States = Prepare("SELECT name, value FROM states WHERE user_id = ?1 AND name >= ?2 AND name < ?3 ORDER BY name", 3);
        StatesOfUsers = Prepare("SELECT user, value FROM states JOIN users USING(user_id) WHERE name = ?1", 1);
        CurrentSegments = Prepare(StoredSegments.SelectAsOf, 4);
        CurrentRows = Prepare(
            $"SELECT segment_id, start_minute, end_minute, scenario, model, confidence, provisional, detail FROM segments WHERE user_id = ?1 AND replaced = {InsightsSchema.NotReplaced} AND end_minute > ?2 AND start_minute < ?3 ORDER BY start_minute", 3);
        ReplaceSegment = Prepare("UPDATE segments SET replaced = ?2 WHERE segment_id = ?1", 2);
        AddSegment = Prepare(
            $"INSERT INTO segments(user_id, start_minute, end_minute, scenario, model, confidence, provisional, detail, revision, replaced) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, {InsightsSchema.NotReplaced})", 9);
    }

    public SqliteConnection Connection { get; }

    public Statement WriteMeta { get; }

    public MinuteTable Minutes { get; }

    public Statement GetState { get; }

    public Statement PutState { get; }

    public Statement RemoveState { get; }

    public Statement States { get; }

    /// <summary>Users and their values of one name; ?1 name.</summary>
    public Statement StatesOfUsers { get; }

    public Statement CurrentSegments { get; }

    /// <summary>Rows of the present segments with their ids; ?1 user id, ?2 from, ?3 to.</summary>
    public Statement CurrentRows { get; }

    public Statement ReplaceSegment { get; }

    public Statement AddSegment { get; }

    /// <summary>The open transaction; statements run inside it.</summary>
    public SqliteTransaction? Transaction { get; set; }

    public long ReadMeta(string name) => Convert.ToInt64(_readMeta.Scalar(name), CultureInfo.InvariantCulture);

    /// <summary>The small id of a user, made when it has none.</summary>
    public long UserId(UserKey user)
    {
        if (FindUserId(user) is { } known) return known;
        return _userIds[user] = (long)_addUser.Scalar(user.Text)!;
    }

    /// <summary>The small id of a user; null when it has none.</summary>
    public long? FindUserId(UserKey user)
    {
        if (_userIds.TryGetValue(user, out long id)) return id;
        if (_findUser.Scalar(user.Text) is not long found) return null;
        return _userIds[user] = found;
    }

    /// <summary>The small id of a scenario or model version, made when it has none.</summary>
    public long NameId(string name)
    {
        if (_nameIds.TryGetValue(name, out long id)) return id;
        id = (long)(_findName.Scalar(name) ?? _addName.Scalar(name))!;
        return _nameIds[name] = id;
    }

    /// <summary>Forgets ids that a rolled-back transaction may have drawn, or an erasure removed.</summary>
    public void ForgetIds()
    {
        _userIds.Clear();
        _nameIds.Clear();
    }

    public void Dispose()
    {
        Minutes.Dispose();
        foreach (Statement statement in _all) statement.Dispose();
    }

    private Statement Prepare(string sql, int parameters)
    {
        Statement statement = new(Connection, sql, parameters) { TransactionOf = () => Transaction };
        _all.Add(statement);
        return statement;
    }
}
