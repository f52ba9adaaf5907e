using Microsoft.Data.Sqlite;

namespace Telemetry.Registry.Storage;

/// <summary>A prepared statement with positional parameters ?1, ?2, ... that is bound and run many times.</summary>
/// <remarks>Not thread-safe: its owner holds the connection's lock.</remarks>
internal sealed class Statement : IDisposable
{
    private readonly SqliteCommand _command;

    public Statement(SqliteConnection connection, string sql, int parameters)
    {
        _command = connection.CreateCommand();
        _command.CommandText = sql;
        for (int i = 1; i <= parameters; i++) _command.Parameters.Add(new SqliteParameter($"?{i}", null));
    }

    /// <summary>Binds the values and runs; returns the rows changed.</summary>
    public int Run(params ReadOnlySpan<object?> values)
    {
        Bind(values);
        return _command.ExecuteNonQuery();
    }

    /// <summary>Binds the values and reads the first column of the first row; null without a row.</summary>
    public object? Scalar(params ReadOnlySpan<object?> values)
    {
        Bind(values);
        return _command.ExecuteScalar() is { } value and not DBNull ? value : null;
    }

    /// <summary>Binds the values and reads rows; dispose the reader before the next use.</summary>
    public SqliteDataReader Read(params ReadOnlySpan<object?> values)
    {
        Bind(values);
        return _command.ExecuteReader();
    }

    public void Dispose() => _command.Dispose();

    private void Bind(ReadOnlySpan<object?> values)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(values.Length, _command.Parameters.Count);
        // A command belongs to whichever transaction is open on its connection now.
        _command.Transaction = TransactionOf?.Invoke();
        for (int i = 0; i < values.Length; i++) _command.Parameters[i].Value = values[i] ?? DBNull.Value;
    }

    /// <summary>Says which transaction is open; null when none is.</summary>
    public Func<SqliteTransaction?>? TransactionOf { get; init; }
}
