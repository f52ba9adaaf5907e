using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Telemetry.Collector.Options;
using Telemetry.Log.Disk;

namespace Telemetry.Collector.Lifetime;

/// <summary>The collector's folder: paths of the rooms' files, the operator token, and the lock that keeps a second collector out.</summary>
public sealed class DataFolder : IDisposable
{
    private readonly FileStream _lock;

    private DataFolder(string path, FileStream heldLock, string operatorToken)
    {
        Path = path;
        _lock = heldLock;
        OperatorToken = operatorToken;
    }

    /// <summary>Full path.</summary>
    public string Path { get; }

    /// <summary>Bearer token of operators, drawn when the folder was made.</summary>
    public string OperatorToken { get; }

    /// <summary>File that holds <see cref="OperatorToken"/>, readable by its owner only.</summary>
    public string OperatorTokenFile => TokenFileOf(Path);

    /// <summary>Eight hexadecimal digits that name this folder and no other; drawn with the token, which they do not tell.</summary>
    public string Name => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(OperatorToken)).AsSpan(0, 4));

    public string LogFolder => System.IO.Path.Combine(Path, "log");
    public string RegistryFile => System.IO.Path.Combine(Path, "registry.db");
    public string InsightsFile => System.IO.Path.Combine(Path, "insights.db");
    public string ErasuresFolder => System.IO.Path.Combine(Path, "erasures");
    public string InfluxFolder => System.IO.Path.Combine(Path, "influx");

    /// <summary>Where the token of a data folder stands.</summary>
    public static string TokenFileOf(string folder) => System.IO.Path.Combine(folder, "operator.token");

    /// <summary>Makes the folder when missing, for its owner alone (it holds what people did), and locks it for this process.</summary>
    /// <exception cref="OptionsException">It cannot be made or written to.</exception>
    /// <exception cref="IOException">Another collector runs on it.</exception>
    public static DataFolder Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        try
        {
            if (!Directory.Exists(path))
            {
                WholeFile.MakeFolder(path);
                if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }

            FileStream held = new(System.IO.Path.Combine(path, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            return new DataFolder(path, held, ReadOrMakeToken(path));
        }
        catch (IOException fault) when (IsLockHeld(fault))
        {
            throw new IOException($"option 'data': another collector runs on '{path}'. Stop it first, or choose another folder with --data DIR.", fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new OptionsException("data", $"'{path}' ({fault.Message.TrimEnd('.')})", "a folder that exists or can be made, and that this user may write to");
        }
    }

    // What .NET makes of a file that is open elsewhere: EWOULDBLOCK of flock (11; 35 on macOS), or ERROR_SHARING_VIOLATION.
    private static bool IsLockHeld(IOException fault) => fault.HResult is 11 or 35 or unchecked((int)0x80070020);

    /// <summary>Compares a presented token in constant time.</summary>
    public bool IsOperator(ReadOnlySpan<char> token)
    {
        Span<byte> presented = stackalloc byte[128];
        return Encoding.UTF8.TryGetBytes(token, presented, out int length)
            && CryptographicOperations.FixedTimeEquals(presented[..length], Encoding.UTF8.GetBytes(OperatorToken));
    }

    public void Dispose() => _lock.Dispose();

    private static string ReadOrMakeToken(string folder)
    {
        string file = TokenFileOf(folder);
        if (File.Exists(file) && File.ReadAllText(file).Trim() is { Length: > 0 } kept) return kept;

        string token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(24));
        FileStreamOptions ownerOnly = new() { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) ownerOnly.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using StreamWriter writer = new(file, Encoding.ASCII, ownerOnly);
        writer.WriteLine(token);
        return token;
    }
}
