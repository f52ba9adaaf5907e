using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Telemetry.Ingest.Admission;
using Telemetry.Ingest.Commands;
using Telemetry.Ingest.DeadLetters;
using Telemetry.Ingest.Sequences;
using Telemetry.Log;
using Telemetry.Registry;
using Telemetry.Wire;
using Telemetry.Wire.Ingest;
using Telemetry.Wire.V1;

namespace Telemetry.Ingest;

/// <summary>Batches of a device that never came though later ones did.</summary>
/// <param name="DeviceKey">Whose.</param>
/// <param name="Epoch">Of its spool.</param>
/// <param name="Gap">Which.</param>
public readonly record struct MissingSeqs(uint DeviceKey, uint Epoch, SeqGap Gap);

/// <summary>
/// The narrow waist behind every endpoint: says who, admits how much, de-duplicates by (device, epoch, seq), appends to the log.
/// What a ticket promises is true once its position is durable.
/// </summary>
/// <remarks>Thread-safe. Batches of one device are ordered as they were submitted.</remarks>
public sealed partial class IngestService : IIngest, IDisposable
{
    private const int ShardCount = 16;
    private const int MaxResendRanges = 8; // the next ones when these came

    private readonly BlockLog _log;
    private readonly IDeviceDirectory _directory;
    private readonly IngestOptions _options;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly IngestShard[] _shards = [.. Enumerable.Range(0, ShardCount).Select(_ => new IngestShard())];
    private readonly BrandShares _shares;
    private readonly DeadLetterBook _book = new();
    private readonly CommandBoard _commands;
    private readonly ReconnectWindows _windows;
    private readonly IngestMetrics _metrics;
    private readonly int _deviceShareBytes;

    internal IngestService(BlockLog log, IDeviceDirectory directory, IngestOptions? options = null, ILogger? logger = null, TimeProvider? time = null)
    {
        _log = log;
        _directory = directory;
        _options = options ?? new IngestOptions();
        _options.Validate();
        _logger = logger ?? NullLogger.Instance;
        _time = time ?? TimeProvider.System;
        _shares = new BrandShares(log.BufferBytes);
        _deviceShareBytes = Math.Max(2 * WireLimits.MaxBatchBytes, log.BufferBytes / 8);
        _commands = new CommandBoard(_time);
        _closing = new CancellationTokenSource(Timeout.InfiniteTimeSpan, _time);
        Rebuild();
        _windows = new ReconnectWindows(CountDevices, _options.ReconnectsPerSecond, _commands, _time);
        _metrics = new IngestMetrics(this);
        _directory.CommandChanged += _commands.Notify;
    }

    /// <summary>Opens ingest over a log and a registry: reads what is known of sequences from the last checkpoint and the log behind it.</summary>
    /// <param name="log">Stays the caller's; dispose it after this service.</param>
    /// <param name="registry">Stays the caller's.</param>
    /// <param name="options">Settings; null = defaults.</param>
    /// <param name="logger">Where events 1100-1199 go; null = nowhere.</param>
    /// <param name="time">Clock of receive times; null = the system's.</param>
    /// <exception cref="ArgumentException">A setting is out of its range; the text names it.</exception>
    /// <exception cref="IOException">The log cannot be read.</exception>
    public static IngestService Open(
        BlockLog log, DeviceRegistry registry, IngestOptions? options = null, ILogger<IngestService>? logger = null, TimeProvider? time = null) =>
        new(log, new RegistryDirectory(registry), options, logger, time);

    /// <summary>Outcomes so far; each shard's from one instant, so that the sum is conserved.</summary>
    public IngestCounts Counts
    {
        get
        {
            IngestCounts sum = default;
            foreach (IngestShard shard in _shards)
            {
                lock (shard.Lock) sum = sum.Plus(shard.Counts);
            }

            return sum;
        }
    }

    /// <summary>Bytes that remember sequences, and epochs remembered.</summary>
    public (long Bytes, long Epochs) SequenceMemory
    {
        get
        {
            (long bytes, long epochs) = (0L, 0L);
            foreach (IngestShard shard in _shards)
            {
                lock (shard.Lock) (bytes, epochs) = (bytes + shard.Table.MemoryBytes, epochs + shard.Table.Count);
            }

            return (bytes, epochs);
        }
    }

    /// <inheritdoc/>
    public IngestSession? Relay(IngestSession hub, string username)
    {
        if (!hub.IsHub || _directory.Find(username) is not { } device || device.Names.BrandKey != hub.BrandKey) return null;
        return SessionOf(device, hub.Endpoint);
    }

    /// <inheritdoc/>
    public IngestSession? FindDevice(string username, string endpoint) => _directory.Find(username) is { } device ? SessionOf(device, endpoint) : null;

    /// <inheritdoc/>
    public ValueTask<bool> WaitDurableAsync(long position, CancellationToken cancellation) => _log.WaitDurableAsync(position, cancellation);

    /// <inheritdoc/>
    public int ReconnectWindowMs => _windows.WindowMs;

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> CurrentCommand(IngestSession session, int maxBytes = WireLimits.MaxCommandBytes)
    {
        Command command = new()
        {
            ServerUnixMs = (ulong)NowUnixMs(), Version = _commands.VersionOf(session.DeviceKey), ReconnectWindow = new ReconnectWindow { WindowMs = (uint)_windows.WindowMs },
        };
        if (_directory.FindOrders(session.DeviceKey) is { } orders)
        {
            command.Version = Math.Max(command.Version, _commands.FirstVersion);
            orders.AddTo(command);
        }

        AddSequenceOrders(session.DeviceKey, command);
        return CommandLength.Fit(command, Math.Min(maxBytes, WireLimits.MaxCommandBytes));
    }

    /// <inheritdoc/>
    public IDisposable OnCommandChanged(IngestSession session, Action commandChanged) => _commands.Listen(session.DeviceKey, commandChanged);

    /// <inheritdoc/>
    public void CommandAcknowledged(IngestSession session, ReadOnlySpan<byte> command)
    {
        DeviceOrders? orders = _directory.FindOrders(session.DeviceKey);
        if (orders is null || orders.ConfirmedUnixMs != 0 || !orders.AreIn(Command.Parser.ParseFrom(command))) return;
        _directory.ConfirmOrders(session.DeviceKey, orders);
    }

    /// <summary>Seqs of a device that never came below the highest that did, by epoch. Erased epochs miss nothing.</summary>
    public IReadOnlyList<MissingSeqs> MissingOf(uint deviceKey)
    {
        List<MissingSeqs> missing = [];
        List<int> entries = [];
        IngestShard shard = ShardOf(deviceKey);
        lock (shard.Lock)
        {
            shard.Table.ListEpochs(deviceKey, entries);
            foreach (int entry in entries) AddMissing(shard, entry, missing);
        }

        return missing;
    }

    /// <summary>What every device misses, at most about <paramref name="limit"/> ranges.</summary>
    public IReadOnlyList<MissingSeqs> Missing(int limit)
    {
        List<MissingSeqs> missing = [];
        foreach (IngestShard shard in _shards)
        {
            lock (shard.Lock)
            {
                for (int entry = 0; entry < shard.Table.Count && missing.Count < limit; entry++) AddMissing(shard, entry, missing);
            }
        }

        return missing;
    }

    /// <summary>The epoch a device began last; null when it never sent. Waits for an admission of the device that is under way.</summary>
    public uint? FindCurrentEpoch(uint deviceKey)
    {
        IngestShard shard = ShardOf(deviceKey);
        lock (shard.Lock)
        {
            List<int> entries = [];
            shard.Table.ListEpochs(deviceKey, entries);
            return entries.Count == 0 ? null : shard.Table[entries[^1]].Epoch;
        }
    }

    internal BlockLog Log => _log;

    internal int UnsettledDeadLetters => _book.Count;

    internal IngestShard[] Shards => _shards;

    private IngestShard ShardOf(uint deviceKey) => _shards[deviceKey % ShardCount];

    private long NowUnixMs() => _time.GetUtcNow().ToUnixTimeMilliseconds();

    // The fleet that may come back all at once: devices that ever sent. Sessions would be the wrong count, because after a restart, when the number matters, there are none;
    // registered devices too, because a registry may be filled long before its devices are sold. Read without the locks: one device more or less is no matter.
    private long CountDevices()
    {
        long devices = 0;
        foreach (IngestShard shard in _shards) devices += shard.Table.DeviceCount;
        return devices;
    }

    private void AddSequenceOrders(uint deviceKey, Command command)
    {
        IngestShard shard = ShardOf(deviceKey);
        lock (shard.Lock)
        {
            List<int> entries = [];
            shard.Table.ListEpochs(deviceKey, entries);
            if (entries.Count == 0) return;

            // The epoch that began last is the one the device is in.
            uint current = shard.Table[entries[^1]].Epoch;
            if (_directory.IsErasedEpoch(deviceKey, current))
            {
                command.EraseEpoch = current;
                return;
            }

            List<SeqGap> gaps = [];
            SeqWindow.ListMissing(shard.Table[entries[^1]], shard.GapsOf(entries[^1]), gaps);
            foreach (SeqGap gap in gaps.Take(MaxResendRanges)) command.Resend.Add(new SeqRange { Epoch = current, First = gap.First, Last = gap.Last });
        }
    }

    private void AddMissing(IngestShard shard, int entry, List<MissingSeqs> missing)
    {
        ref SeqEntry known = ref shard.Table[entry];
        GapList? listed = shard.GapsOf(entry);
        if (listed is null && (known.WindowLow | known.WindowHigh) == 0) return; // nearly every one

        (uint deviceKey, uint epoch) = (known.DeviceKey, known.Epoch);
        List<SeqGap> gaps = [];
        SeqWindow.ListMissing(known, listed, gaps);
        if (!_directory.IsErasedEpoch(deviceKey, epoch)) missing.AddRange(gaps.Select(gap => new MissingSeqs(deviceKey, epoch, gap)));
    }

    private static IngestSession SessionOf(in DirectoryEntry device, string endpoint) => new(
        device.Names.DeviceKey, device.Names.BrandKey, device.Names.Brand, device.Names.Device, device.IsHub, endpoint);
}
