using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Telemetry.Testing;

/// <summary>A real program a test started: its lines are kept, it is awaited by what it prints, and it is ended by its id.</summary>
public sealed class ChildProcess : IAsyncDisposable
{
    /// <summary>How long a program is waited for, unless a test says otherwise: far beyond what a machine under load takes, so that only a program that hangs meets it.</summary>
    public const int MostSeconds = 300;

    // Below what Linux gives to outgoing connections and to port 0 (net.ipv4.ip_local_port_range: 32768-60999).
    private const int FirstPort = 20_000, Ports = 12_000;

    private static int s_lastPort = Environment.ProcessId * 101; // two test runs at once begin far from each other

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly SemaphoreSlim _news = new(0);
    private readonly List<string> _output = [];

    private ChildProcess(Process process) => _process = process;

    /// <summary>Everything printed so far, both streams, for a failing test's message.</summary>
    public string Transcript => string.Join('\n', _lines);

    /// <summary>Lines of standard output so far.</summary>
    public IReadOnlyList<string> Output
    {
        get { lock (_output) return [.. _output]; }
    }

    /// <summary>Exit code; only after <see cref="ExitAsync"/>.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>Process id.</summary>
    public int Id => _process.Id;

    /// <summary>Starts a program with its arguments, never through a shell.</summary>
    public static ChildProcess Start(string program, IEnumerable<string> arguments, string? folder = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = folder ?? Path.GetTempPath(),
        };
        foreach ((string key, string value) in environment ?? new Dictionary<string, string>()) start.Environment[key] = value;

        ChildProcess child = new(new Process { StartInfo = start, EnableRaisingEvents = true });
        child._process.OutputDataReceived += (_, line) => child.Take(line.Data, isOutput: true);
        child._process.ErrorDataReceived += (_, line) => child.Take(line.Data, isOutput: false);
        child._process.Exited += (_, _) => child._news.Release();
        child._process.Start();
        child._process.BeginOutputReadLine();
        child._process.BeginErrorReadLine();
        return child;
    }

    /// <summary>Waits for a line (of either stream) that matches: the first, or the one behind so many others.</summary>
    /// <exception cref="InvalidOperationException">When the program ends or the limit passes first; carries the transcript.</exception>
    public async Task<string> LineAsync(Predicate<string> matches, int behind = 0, int limitSeconds = MostSeconds)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(limitSeconds));
        bool isWhole = false; // ended, and all it printed is here
        while (true)
        {
            if (_lines.Where(line => matches(line)).Skip(behind).FirstOrDefault() is { } found) return found;
            if (isWhole) throw new InvalidOperationException($"{_process.StartInfo.FileName} ended with {_process.ExitCode} before the line:\n{Transcript}");
            try
            {
                if (!_process.HasExited)
                {
                    await _news.WaitAsync(limit.Token);
                    continue;
                }

                await _process.WaitForExitAsync(limit.Token); // its last lines come behind its end
                isWhole = true;
            }
            catch (OperationCanceledException)
            {
                throw new InvalidOperationException($"{_process.StartInfo.FileName} did not print the line within {limitSeconds} s:\n{Transcript}");
            }
        }
    }

    /// <summary>Waits until a port of 127.0.0.1 takes connections, for a program that prints its line before it listens.</summary>
    /// <exception cref="InvalidOperationException">When the program ends or the limit passes first; carries the transcript.</exception>
    public async Task ListeningAsync(int port, int limitSeconds = MostSeconds)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(limitSeconds));
        using PeriodicTimer look = new(TimeSpan.FromMilliseconds(20));
        while (!await IsListeningAsync(port))
        {
            if (_process.HasExited) throw new InvalidOperationException($"{_process.StartInfo.FileName} ended with {_process.ExitCode} before it listened:\n{Transcript}");
            try
            {
                await look.WaitForNextTickAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                throw new InvalidOperationException($"{_process.StartInfo.FileName} did not listen on {port} within {limitSeconds} s:\n{Transcript}");
            }
        }
    }

    /// <summary>Waits for its end and returns the exit code.</summary>
    public async Task<int> ExitAsync(int limitSeconds = MostSeconds)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(limitSeconds));
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            throw new InvalidOperationException($"{_process.StartInfo.FileName} did not end within {limitSeconds} s:\n{Transcript}");
        }

        return _process.ExitCode;
    }

    /// <summary>Writes to its standard input and closes it.</summary>
    public async Task FeedAsync(ReadOnlyMemory<byte> input)
    {
        await _process.StandardInput.BaseStream.WriteAsync(input);
        _process.StandardInput.Close();
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGTERM, then waits for the end.</summary>
    public async Task<int> TerminateAsync(int limitSeconds = MostSeconds)
    {
        using Process kill = Process.Start("kill", ["-TERM", _process.Id.ToString()]);
        await kill.WaitForExitAsync();
        return await ExitAsync(limitSeconds);
    }

    /// <summary>SIGTERM over and over, one behind the other, until its end.</summary>
    public async Task<int> TerminateOverAndOverAsync(int limitSeconds = MostSeconds)
    {
        Task<int> exit = ExitAsync(limitSeconds);
        while (!exit.IsCompleted)
        {
            using Process kill = Process.Start(new ProcessStartInfo("kill", ["-TERM", _process.Id.ToString()]) { RedirectStandardError = true })!; // it may have ended by now
            await kill.WaitForExitAsync();
        }

        return await exit;
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
        _news.Dispose();
    }

    /// <summary>Runs a program to its end and returns its exit code and both streams.</summary>
    public static async Task<(int ExitCode, string Output, string Transcript)> RunAsync(
        string program, IEnumerable<string> arguments, string? folder = null, IReadOnlyDictionary<string, string>? environment = null, int limitSeconds = MostSeconds)
    {
        await using ChildProcess child = Start(program, arguments, folder, environment);
        child._process.StandardInput.Close();
        int exit = await child.ExitAsync(limitSeconds);
        return (exit, string.Join('\n', child.Output), child.Transcript);
    }

    /// <summary>A port of 127.0.0.1 for a server that cannot be asked for "any", or that comes back on the one it had. The system gives it to no outgoing connection and to nobody
    /// who binds port 0, neither before the server listens nor while it is down; this process gives none twice.</summary>
    /// <exception cref="InvalidOperationException">When every such port is taken.</exception>
    public static int FreePort()
    {
        for (int i = 0; i < Ports; i++)
        {
            int port = FirstPort + (int)((uint)Interlocked.Increment(ref s_lastPort) % Ports);
            if (IsFree(port)) return port;
        }

        throw new InvalidOperationException($"No port of 127.0.0.1 is free from {FirstPort} to {FirstPort + Ports - 1}.");
    }

    private static bool IsFree(int port)
    {
        using TcpListener probe = new(IPAddress.Loopback, port);
        try
        {
            probe.Start();
            return true;
        }
        catch (SocketException taken) when (taken.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            return false;
        }
    }

    private static async Task<bool> IsListeningAsync(int port)
    {
        using Socket probe = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await probe.ConnectAsync(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false; // refused, or a listener that went between two looks
        }
    }

    private void Take(string? line, bool isOutput)
    {
        if (line is null) return;
        _lines.Enqueue(line);
        if (isOutput)
        {
            lock (_output) _output.Add(line);
        }

        _news.Release();
    }
}
