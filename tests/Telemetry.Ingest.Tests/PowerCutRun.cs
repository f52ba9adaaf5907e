using System.Buffers;
using Telemetry.Log;
using Telemetry.Log.Tests;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Ingest;

namespace Telemetry.Ingest.Tests;

/// <summary>What a run of cuts found. All zero is the promise.</summary>
internal record struct PowerCutFindings(int Cuts, int AckedBatches, int AckedLost, int StoredTwice, int NotConserved);

/// <summary>
/// Devices that send, are acked only for durable positions, and send again what was not acked, over a collector whose power is cut (or
/// whose process is killed) at a random change of the disk, again and again. One seed, one history.
/// </summary>
internal sealed class PowerCutRun(int seed, Func<Random, SimulatedDisk> newDisk, Action<IngestService>? afterStart = null)
{
    private const int CutsPerDisk = 25;
    private const int Devices = 4;
    private readonly Random _random = new(seed);
    private readonly FakeDirectory _directory = new();
    private PowerCutFindings _findings;
    private SimulatedDisk _disk = null!;
    private Device[] _devices = [];

    /// <summary>Cuts the power this often.</summary>
    /// <param name="cuts">How often at most.</param>
    /// <param name="stopWhen">Ends the run early once a disk was checked and this holds.</param>
    public PowerCutFindings Run(int cuts, Predicate<PowerCutFindings>? stopWhen = null)
    {
        for (int cut = 0; cut < cuts; cut++)
        {
            if (cut % CutsPerDisk == 0)
            {
                _disk = newDisk(_random);
                _devices = [.. Enumerable.Range(1, Devices).Select(number => new Device((uint)(1000 + number)))];
            }

            try
            {
                LiveUntilTheCut();
            }
            catch (PowerLostException)
            {
                // The call under way never came back: nothing after it was acknowledged.
            }

            if (_random.Next(4) == 0) _disk.KillProcess();
            else _disk.CutPower();
            _findings.Cuts++;
            if (cut % CutsPerDisk != CutsPerDisk - 1 && cut != cuts - 1) continue;
            CheckLog();
            if (stopWhen?.Invoke(_findings) == true) break;
        }

        return _findings;
    }

    private void LiveUntilTheCut()
    {
        // Sometimes already the start is cut, in the middle of recovery.
        _disk.CutBeforeChange = _disk.Changes + _random.Next(60);
        BlockLog log = BlockLog.OpenManual(new BlockLogOptions { Disk = _disk, SegmentBytes = 1 << 20, BufferBytes = 1 << 20 });
        IngestService service = new(log, _directory);
        afterStart?.Invoke(service);
        foreach (Device device in _devices) device.Reconnect();

        List<(Device Device, ulong Seq, IngestTicket Ticket)> open = [];
        while (true)
        {
            for (int sends = _random.Next(1, 12); sends > 0; sends--)
            {
                Device device = _devices[_random.Next(Devices)];
                ulong seq = device.NextToSend(_random);
                byte[] batch = Batches.Seal(device.Epoch, seq, fill: _random.Next(8) == 0 ? _random.Next(60_000) : _random.Next(1, 400));
                IngestTicket ticket = service.Submit(device.Session, new ReadOnlySequence<byte>(batch));
                if (ticket.Outcome != IngestOutcome.Refused) open.Add((device, seq, ticket));
            }

            if (_random.Next(3) != 0) log.FlushPending();
            if (_random.Next(30) == 0 && log.NextPosition == log.DurablePosition) service.WriteCheckpointAsync().GetAwaiter().GetResult();
            open.RemoveAll(sent =>
            {
                if (sent.Ticket.Position >= log.DurablePosition) return false;
                sent.Device.Acked(sent.Seq);
                _findings.AckedBatches++;
                return true;
            });
            if (!service.Counts.IsConserved) _findings.NotConserved++;
        }
    }

    private void CheckLog()
    {
        using BlockLog log = BlockLog.OpenManual(new BlockLogOptions { Disk = _disk, SegmentBytes = 1 << 20, BufferBytes = 1 << 20 });
        HashSet<(uint, ulong)> stored = [];
        using LogReader reader = log.OpenReader();
        while (reader.TryRead(out LogRecord record))
        {
            Assert.Equal(Wire.DecodeStatus.Done, BatchReader.ReadHeader(record.Payload.Span, out BatchHeader header, out _));
            if (!stored.Add((record.DeviceKey, header.Seq))) _findings.StoredTwice++;
        }

        foreach (Device device in _devices) _findings.AckedLost += device.AckedSeqs.Count(seq => !stored.Contains((device.Session.DeviceKey, seq)));
    }

    /// <summary>A device's spool: what it sealed and was not acked for.</summary>
    private sealed class Device(uint key)
    {
        private readonly SortedSet<ulong> _spooled = [];
        private readonly Queue<ulong> _toSend = new();
        private ulong _sealed;

        public uint Epoch { get; } = 0xD0000000 + key;

        public IngestSession Session { get; } = new(key, 1, "brand-1", key.ToString(System.Globalization.CultureInfo.InvariantCulture), false, "mqtt");

        public HashSet<ulong> AckedSeqs { get; } = [];

        public void Reconnect()
        {
            _toSend.Clear();
            foreach (ulong seq in _spooled) _toSend.Enqueue(seq);
        }

        public ulong NextToSend(Random random)
        {
            if (_toSend.Count > 0 && random.Next(5) != 0) return _toSend.Dequeue();
            if (_spooled.Count > 0 && random.Next(6) == 0) return _spooled.ElementAt(random.Next(_spooled.Count));

            // Now and then many batches are sealed while the link is down: they come late, behind the window.
            int sealedNow = random.Next(40) == 0 ? random.Next(100, 300) : 1;
            for (int i = 0; i < sealedNow; i++) _spooled.Add(++_sealed);
            return _sealed;
        }

        public void Acked(ulong seq)
        {
            _spooled.Remove(seq);
            AckedSeqs.Add(seq);
        }
    }
}
