using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using Telemetry.Wire.Ingest;

namespace Telemetry.Mqtt.Tests;

/// <summary>The waist under a test's control: it notes what was submitted, and nothing is durable before the test says so (unless <see cref="IsDurableAtOnce"/>).</summary>
internal sealed class ManualIngest : IIngest
{
    private readonly Lock _gate = new();
    private readonly List<(long Position, TaskCompletionSource<bool> Done)> _waiters = [];
    private readonly Dictionary<uint, List<Action>> _watchers = [];
    private long _position;
    private long _durable;
    private long _failed;

    /// <summary>Every submission, in order.</summary>
    public List<(string Device, byte[] Batch)> Submitted { get; } = [];

    /// <summary>Every birth and will, in order.</summary>
    public List<(string Device, string Message)> Lives { get; } = [];

    /// <summary>Released once for each submission, birth or will.</summary>
    public SemaphoreSlim Arrived { get; } = new(0);

    /// <summary>What Submit answers; the default stores.</summary>
    public Func<byte[], IngestTicket>? Answer { get; set; }

    public bool IsDurableAtOnce { get; set; }

    /// <summary>Credentials cannot be checked.</summary>
    public bool IsRegistryGone { get; set; }

    /// <summary>Commands by "brand/device", one character a byte.</summary>
    public ConcurrentDictionary<string, string> Commands { get; } = new(StringComparer.Ordinal);

    public ValueTask<IngestSession?> AuthenticateAsync(string username, ReadOnlyMemory<byte> secret, string endpoint, CancellationToken cancellation)
    {
        if (IsRegistryGone) throw new IOException("The registry cannot be read.");
        bool isRight = Encoding.UTF8.GetString(secret.Span) == "secret-of-" + username;
        return ValueTask.FromResult(isRight ? SessionOf(username, endpoint) : null);
    }

    public IngestSession? Relay(IngestSession hub, string username) =>
        username.StartsWith(hub.Brand + "/", StringComparison.Ordinal) && !username.EndsWith("/unknown", StringComparison.Ordinal) ? SessionOf(username, "mqtt") : null;

    public IngestSession? FindDevice(string username, string endpoint) => username.EndsWith("/unknown", StringComparison.Ordinal) ? null : SessionOf(username, endpoint);

    public IngestTicket Submit(IngestSession session, in ReadOnlySequence<byte> batch)
    {
        byte[] copy = batch.ToArray();
        IngestTicket ticket;
        lock (_gate)
        {
            Submitted.Add(($"{session.Brand}/{session.Device}", copy));
            ticket = Answer?.Invoke(copy) ?? new IngestTicket(IngestOutcome.Stored, RefusalReason.None, 0, 0);
            if (ticket.Outcome != IngestOutcome.Refused) ticket = ticket with { Position = ++_position };
        }

        Arrived.Release();
        return ticket;
    }

    public ValueTask<bool> WaitDurableAsync(long position, CancellationToken cancellation)
    {
        lock (_gate)
        {
            if (IsDurableAtOnce || position <= _durable) return ValueTask.FromResult(true);
            if (position <= _failed) return ValueTask.FromResult(false);
            TaskCompletionSource<bool> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((position, done));
            return new ValueTask<bool>(done.Task);
        }
    }

    /// <summary>The flush of everything up to <paramref name="position"/>.</summary>
    public void MakeDurable(long position, bool succeeds = true)
    {
        List<TaskCompletionSource<bool>> due;
        lock (_gate)
        {
            if (succeeds) _durable = Math.Max(_durable, position);
            else _failed = Math.Max(_failed, position);
            due = [.. _waiters.Where(waiter => waiter.Position <= position).Select(waiter => waiter.Done)];
            _waiters.RemoveAll(waiter => waiter.Position <= position);
        }

        foreach (TaskCompletionSource<bool> done in due) done.SetResult(succeeds);
    }

    public int ReconnectWindowMs { get; set; }

    /// <summary>What each Command that was asked for could be at most.</summary>
    public ConcurrentQueue<int> CommandLimits { get; } = new();

    public ReadOnlyMemory<byte> CurrentCommand(IngestSession session, int maxBytes)
    {
        CommandLimits.Enqueue(maxBytes);
        return CommandOf(session);
    }

    private byte[] CommandOf(IngestSession session) => Encoding.Latin1.GetBytes(Commands.GetValueOrDefault($"{session.Brand}/{session.Device}", ""));

    /// <summary>Sets a device's Command and calls whoever watches it.</summary>
    public void ChangeCommand(string username, string command)
    {
        Commands[username] = command;
        Action[] watchers;
        lock (_gate) watchers = [.. _watchers.GetValueOrDefault(KeyOf(username), [])];
        foreach (Action watcher in watchers) watcher();
    }

    public int WatchersOf(string username)
    {
        lock (_gate) return _watchers.GetValueOrDefault(KeyOf(username), []).Count;
    }

    public void ReportLife(IngestSession session, in ReadOnlySequence<byte> message)
    {
        lock (_gate) Lives.Add(($"{session.Brand}/{session.Device}", Encoding.UTF8.GetString(message)));
        Arrived.Release();
    }

    /// <summary>Commands that devices themselves acknowledged.</summary>
    public List<(uint Device, byte[] Command)> AcknowledgedCommands { get; } = [];

    public void CommandAcknowledged(IngestSession session, ReadOnlySpan<byte> command)
    {
        lock (_gate) AcknowledgedCommands.Add((session.DeviceKey, command.ToArray()));
    }

    public IDisposable OnCommandChanged(IngestSession session, Action commandChanged)
    {
        lock (_gate)
        {
            if (!_watchers.TryGetValue(session.DeviceKey, out List<Action>? list)) _watchers[session.DeviceKey] = list = [];
            list.Add(commandChanged);
            return new Watch(() => { lock (_gate) list.Remove(commandChanged); });
        }
    }

    private static IngestSession SessionOf(string username, string endpoint)
    {
        string[] parts = username.Split('/');
        return new IngestSession(KeyOf(username), BrandKeyOf(parts[0]), parts[0], parts[1], IsHub: parts[1].StartsWith("hub", StringComparison.Ordinal), endpoint);
    }

    /// <summary>A brand's key by its name.</summary>
    public static uint BrandKeyOf(string brand) => KeyOf(brand);

    private static uint KeyOf(string username) => (uint)username.Sum(letter => letter * 31) + (uint)username.Length;

    private sealed class Watch(Action stop) : IDisposable
    {
        public void Dispose() => stop();
    }
}
