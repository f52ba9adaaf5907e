using Google.Protobuf;
using Telemetry.Device.Sampling;
using Telemetry.Wire;
using Telemetry.Wire.V1;

namespace Telemetry.Log.Tests.Rewriting;

/// <summary>A device that seals batches with the SDK's own encoder: walks and noise, irregular times, reals, quality, losses, boots. One seed, one history.</summary>
internal sealed class SealingDevice(uint key, int seed)
{
    private const long BootUnixMs = 1_700_000_000_000;

    private readonly Random _random = new(seed);
    private readonly BlockEncoder _band = new([1, 2, 3], [BlockEncoder.KindInteger, BlockEncoder.KindInteger, BlockEncoder.KindInteger], 600, 100_000);
    private readonly BlockEncoder _motion = new([7, 12], [BlockEncoder.KindReal, BlockEncoder.KindWide], 600, 100_000);
    private readonly byte[] _buffer = new byte[200_000];
    private readonly byte[] _blocks = new byte[199_000];
    private int _blockBytes;
    private ulong _seq;
    private uint _boot = 1;
    private long _uptimeMs = 5_000;
    private long _driftMs;
    private int _heartRate = 70;

    public uint Key { get; } = key;

    /// <summary>The temperature stands. It is noise otherwise, and its column turns to its level.</summary>
    public bool IsQuiet { get; set; }

    /// <summary>The next batch: about <paramref name="rows"/> rows a block.</summary>
    public byte[] Next(int rows)
    {
        _blockBytes = 0;
        if (_random.Next(40) == 0) (_boot, _uptimeMs) = (_boot + 1, _random.Next(10_000));
        if (_random.Next(60) == 0) _seq += (ulong)_random.Next(4);
        for (int i = 0; i < rows; i++)
        {
            _heartRate = Math.Clamp(_heartRate + (_random.Next(4) == 0 ? _random.Next(-3, 4) : 0), 40, 200);
            _uptimeMs += _random.Next(50) == 0 ? _random.Next(1, 90) * 1000 : _random.Next(200) == 0 ? 1_003 : 1_000;
            int quality = _random.Next(100) == 0 ? _random.Next(8) : 1;
            _band.Set(0, _heartRate);
            _band.Set(1, _random.Next(3) == 0 ? 0 : 80);
            _band.Set(2, 3300 + (IsQuiet ? 0 : _random.Next(5)));
            AddRow(_band, quality);
            if (i % 10 != 0) continue;
            _motion.SetReal(0, _random.Next(100) * 0.25);
            _motion.SetWide(1, _uptimeMs * 1_000_000);
            AddRow(_motion, 0);
        }

        AppendBlock(_band);
        AppendBlock(_motion);
        _uptimeMs += _random.Next(40);
        _driftMs += _random.Next(-1, 2);
        int losses = _random.Next(10) == 0 ? 2 : 0;
        bool knowsTime = _random.Next(20) != 0;
        int end = BatchWriter.WriteHead(
            _buffer, 0, 0xE0000000 + Key, ++_seq, _boot, 0x1001, knowsTime ? (ulong)(BootUnixMs + _uptimeMs + _driftMs) : 0, (ulong)_uptimeMs, 50, knowsTime ? 3 : 0);
        if (losses > 0) end = BatchWriter.WriteLoss(_buffer, end, 1, 1, 17);
        if (losses > 1) end = BatchWriter.WriteLoss(_buffer, end, 2, 3, 1UL << 40);
        _blocks.AsSpan(0, _blockBytes).CopyTo(_buffer.AsSpan(end));
        end += _blockBytes;
        end = BatchWriter.WriteTrailer(_buffer, end, Crc32c.Update(0, _buffer, 0, end));
        return _buffer.AsSpan(0, end).ToArray();
    }

    /// <summary>A batch of a sender without the SDK: plain blocks, a field of a later version.</summary>
    public byte[] Foreign()
    {
        Batch batch = new() { Epoch = 0xE0000000 + Key, Seq = ++_seq, Boot = _boot, Profile = 0x1001, Clock = new Clock { UptimeMs = (ulong)_uptimeMs } };
        batch.PlainBlocks.Add(new PlainBlock { StartUptimeMs = (ulong)_uptimeMs, PeriodMs = 1000, Rows = 2, Columns = { new PlainColumn { Signal = 1, Deltas = { 60, 1 } } } });
        byte[] body = batch.ToByteArray();
        byte[] whole = [.. body, (15 << 3) | 5, 0, 0, 0, 0];
        BitConverter.TryWriteBytes(whole.AsSpan(body.Length + 1), Crc32C.Compute(body));
        return whole;
    }

    private void AddRow(BlockEncoder encoder, int quality)
    {
        if (encoder.TryAddRow(_uptimeMs, quality)) return;
        AppendBlock(encoder);
    }

    private void AppendBlock(BlockEncoder encoder) => _blockBytes = BatchWriter.WriteBlock(_blocks, _blockBytes, encoder);
}
