using System.Buffers;
using System.Text;
using Telemetry.Wire.Ingest;

namespace Telemetry.Grpc.Tests;

/// <summary>An ingest whose flushes happen when the test says so. Knows brand "acme" with devices d1, d2 and hub h1, all with secret "s3cret:1".</summary>
internal sealed class FakeIngest : IIngest
{
    public const string Secret = "s3cret:1";

    private readonly Lock _gate = new();
    private readonly List<Action> _commandWatchers = [];
    private TaskCompletionSource _flushed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _position;
    private long _durable;
    private bool _stopped;

    public List<(string Device, byte[] Batch)> Submitted { get; } = [];

    public int Authentications { get; private set; }

    /// <summary>When true (the default) every batch is durable at once.</summary>
    public bool FlushesAtOnce { get; set; } = true;

    /// <summary>What becomes of a batch; the position is filled in here. Default: stored.</summary>
    public Func<byte[], IngestTicket> Settle { get; set; } = static _ => new IngestTicket(IngestOutcome.Stored, RefusalReason.None, 0, 0);

    public byte[] Command { get; set; } = [];

    /// <summary>Runs after each submit, outside the lock.</summary>
    public Action<int> OnSubmitted { get; set; } = static _ => { };

    public static string Basic(string user = "acme/d1", string secret = Secret) => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{secret}"));

    public ValueTask<IngestSession?> AuthenticateAsync(string username, ReadOnlyMemory<byte> secret, string endpoint, CancellationToken cancellation)
    {
        lock (_gate) Authentications++;
        IngestSession? session = Encoding.UTF8.GetString(secret.Span) == Secret ? Find(username, endpoint) : null;
        return ValueTask.FromResult(session);
    }

    public IngestSession? FindDevice(string username, string endpoint) => Find(username, endpoint);

    public IngestSession? Relay(IngestSession hub, string username) => hub.IsHub ? Find(username, hub.Endpoint) : null;

    public IngestTicket Submit(IngestSession session, in ReadOnlySequence<byte> batch)
    {
        byte[] bytes = batch.ToArray();
        IngestTicket ticket = Settle(bytes);
        int count;
        lock (_gate)
        {
            Submitted.Add((session.Device, bytes));
            count = Submitted.Count;
            if (ticket.Outcome != IngestOutcome.Refused) ticket = ticket with { Position = ++_position };
        }

        OnSubmitted(count);
        return ticket;
    }

    public async ValueTask<bool> WaitDurableAsync(long position, CancellationToken cancellation)
    {
        while (true)
        {
            Task flushed;
            lock (_gate)
            {
                if (FlushesAtOnce || _durable >= position) return true;
                if (_stopped) return false;
                flushed = _flushed.Task;
            }

            await flushed.WaitAsync(cancellation);
        }
    }

    /// <summary>Makes everything submitted so far durable.</summary>
    public void Flush()
    {
        lock (_gate)
        {
            _durable = _position;
            Wake();
        }
    }

    /// <summary>From now on nothing becomes durable any more.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _stopped = true;
            Wake();
        }
    }

    public int ReconnectWindowMs => 0;

    public ReadOnlyMemory<byte> CurrentCommand(IngestSession session, int maxBytes)
    {
        lock (_gate) return Command;
    }

    public void CommandAcknowledged(IngestSession session, ReadOnlySpan<byte> command) => throw new NotSupportedException("gRPC has no acknowledgement of a Command.");

    public void ReportLife(IngestSession session, in ReadOnlySequence<byte> message) => throw new NotSupportedException("gRPC has no birth or will.");

    public IDisposable OnCommandChanged(IngestSession session, Action commandChanged)
    {
        lock (_gate) _commandWatchers.Add(commandChanged);
        return new Subscription(() =>
        {
            lock (_gate) _commandWatchers.Remove(commandChanged);
        });
    }

    public void ChangeCommand(byte[] command)
    {
        Action[] watchers;
        lock (_gate)
        {
            Command = command;
            watchers = [.. _commandWatchers];
        }

        foreach (Action watcher in watchers) watcher();
    }

    private static IngestSession? Find(string username, string endpoint) => username switch
    {
        "acme/d1" => new IngestSession(1, 1, "acme", "d1", IsHub: false, endpoint),
        "acme/d2" => new IngestSession(2, 1, "acme", "d2", IsHub: false, endpoint),
        "acme/h1" => new IngestSession(3, 1, "acme", "h1", IsHub: true, endpoint),
        _ => null,
    };

    private void Wake()
    {
        _flushed.SetResult();
        _flushed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private sealed class Subscription(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
