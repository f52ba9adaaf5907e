using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Telemetry.Registry.Storage;

/// <summary>Opens SQLite files the one way this collector uses them: write-ahead log, a schema version, migrations that only grow.</summary>
internal static class SqliteFile
{
    /// <summary>Opens or creates a file and brings its schema up to date.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="synchronous">FULL when a commit must survive a power cut; NORMAL when it can be derived again.</param>
    /// <param name="migrations">Script i takes the schema from version i to i + 1. Scripts are only ever added.</param>
    /// <param name="pageBytes">Of a new file, a power of two from 512 to 65,536: every table and every index takes at least one page.</param>
    /// <exception cref="RegistryException">The file was written by a newer program (Conflict), or is no SQLite file (Invalid).</exception>
    public static SqliteConnection Open(string path, string synchronous, ReadOnlySpan<string> migrations, int pageBytes = 4096)
    {
        SqliteConnection connection = Connect(path, SqliteOpenMode.ReadWriteCreate);
        try
        {
            // journal_mode answers with the mode in force, so it is read, not only set.
            using (SqliteCommand mode = connection.CreateCommand())
            {
                mode.CommandText = $"PRAGMA page_size={pageBytes}; PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous}; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON;";
                mode.ExecuteNonQuery();
            }

            Migrate(connection, path, migrations);
            return connection;
        }
        catch (SqliteException fault) when (fault.SqliteErrorCode is 26 or 11) // SQLITE_NOTADB, SQLITE_CORRUPT
        {
            connection.Dispose();
            throw new RegistryException(RegistryError.Invalid, $"{path} is not a sound SQLite file ({fault.Message}). Restore it from a backup, or move it aside to begin anew.");
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Another connection to a file that is open already, for reading beside the writer.</summary>
    public static SqliteConnection OpenReader(string path) => Connect(path, SqliteOpenMode.ReadOnly);

    private static SqliteConnection Connect(string path, SqliteOpenMode mode)
    {
        SqliteConnection connection = new(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = mode,
            Pooling = false, // the rooms own their connections; a closed one must free the file
            DefaultTimeout = 10,
        }.ToString());
        connection.Open();
        return connection;
    }

    private static void Migrate(SqliteConnection connection, string path, ReadOnlySpan<string> migrations)
    {
        int version;
        using (SqliteCommand read = connection.CreateCommand())
        {
            read.CommandText = "PRAGMA user_version";
            version = Convert.ToInt32(read.ExecuteScalar(), CultureInfo.InvariantCulture);
        }

        if (version > migrations.Length)
        {
            throw new RegistryException(
                RegistryError.Conflict, $"{path} has schema version {version}; this program knows {migrations.Length}. Use the newer program that wrote it.");
        }

        for (; version < migrations.Length; version++)
        {
            using SqliteTransaction transaction = connection.BeginTransaction();
            using SqliteCommand step = connection.CreateCommand();
            step.Transaction = transaction;
            step.CommandText = string.Create(CultureInfo.InvariantCulture, $"{migrations[version]}; PRAGMA user_version={version + 1};");
            step.ExecuteNonQuery();
            transaction.Commit();
        }
    }
}
