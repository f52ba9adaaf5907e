using System.Text;
using Telemetry.Device.Sampling;

namespace Telemetry.Device.Delivery
{
    // What the collector says (proto/telemetry/v1/commands.proto). The whole Command is checked before any of it is done.
    internal sealed partial class Uplink
    {
        // The least wall time that is believed: 2020-01-01. A collector that says less does not know the time itself.
        private const long LeastUnixMs = 1_577_836_800_000;
        private const int PushLatencyMs = 2000;
        private const int SavingIntervalMs = 3_600_000;
        private const int ReconnectWindowField = 6;
        private const int QuestionField = 10;

        private readonly WallClock _wall;
        private readonly Profile _profile;
        private readonly CommandReader _reader = new CommandReader();
        private bool _hasCommand;
        private long _subscribedAtMs;
        private long _nextUploadMs;
        private int _uploadIntervalS;
        private int _uploadOffsetS;
        private bool _hasUploadWindow;
        private int _orderedBatchBytes; // 0 = no limit
        private uint _commandVersion;
        private long _badCommands;
        private int _askedId;
        private readonly int[]? _toldPeriodsMs; // what the firmware was told last; null without one that listens

        private void OnCommand(long now)
        {
            _hasCommand = true;
            byte[] buffer = _link.Buffer;
            if (_link.MessageBytes == 0) return; // a cleared retained message
            if (!IsSound(buffer, _link.MessageAt, _link.MessageBytes, out long serverUnixMs, out uint serverErrorMs, out uint version, out uint eraseEpoch))
            {
                _badCommands++;
                return;
            }

            Commands++;
            TakeTime(serverUnixMs, serverErrorMs, now);
            if (eraseEpoch != 0 && eraseEpoch == _spool.Epoch) Erase();
            TakeReconnectWindow(buffer);
            if (version != 0 && version == _commandVersion) return; // done before
            _commandVersion = version;

            // A Command replaces the last one as a whole: what it does not name is as the profile and the options say.
            lock (_sampler)
            {
                _hasUploadWindow = false;
                _orderedBatchBytes = 0;
                _sampler.ClearOrders();
                _reader.Begin(buffer, _link.MessageAt, _link.MessageBytes);
                while (_reader.Next()) Do(buffer);
                LimitBatches();
                long upload = now + UploadWaitMs();
                if (_nextUploadMs > upload) _nextUploadMs = upload; // a shorter interval holds at once, not after the long one
            }

            if (_handler == null || _toldPeriodsMs == null) return;
            TellRates(_toldPeriodsMs);
            _reader.Begin(buffer, _link.MessageAt, _link.MessageBytes);
            while (_reader.Next())
            {
                if (_reader.Field == QuestionField) Ask(buffer);
            }
        }

        private bool IsSound(byte[] buffer, int at, int count, out long unixMs, out uint errorMs, out uint version, out uint eraseEpoch)
        {
            unixMs = 0;
            errorMs = 0;
            version = 0;
            eraseEpoch = 0;
            _reader.Begin(buffer, at, count);
            while (_reader.Next())
            {
                switch (_reader.Field)
                {
                    case 1:
                        unixMs = _reader.Value;
                        break;
                    case 2:
                        errorMs = (uint)_reader.Value;
                        break;
                    case 3:
                        version = (uint)_reader.Value;
                        break;
                    case 7:
                        eraseEpoch = (uint)_reader.Value;
                        break;
                    case 4:
                    case 5:
                    case ReconnectWindowField:
                    case 8:
                    case QuestionField:
                        if (_reader.Length < 0) return false;
                        _reader.Enter();
                        while (_reader.Next())
                        {
                        }

                        if (_reader.IsMalformed) return false;
                        _reader.Leave();
                        break;
                    default:
                        break;
                }
            }

            return !_reader.IsMalformed;
        }

        // The Command that answers SUBSCRIBE left the server between then and now: half that is the error the way adds.
        private void TakeTime(long unixMs, uint errorMs, long now)
        {
            if (unixMs < LeastUnixMs) return;
            long latency = PushLatencyMs;
            if (_subscribedAtMs > 0 && now >= _subscribedAtMs) latency = now - _subscribedAtMs;
            bool answersSubscribe = _subscribedAtMs > 0;
            _subscribedAtMs = 0;
            long half = latency / 2;
            long error = errorMs + (answersSubscribe ? half : latency) + 1;
            if (error >= WallClock.UnknownErrorMs) error = WallClock.UnknownErrorMs - 1;
            lock (_sampler) _wall.Set(unixMs + half, (uint)error, WallClock.SourceServer);
        }

        // The caller holds the store lock.
        private void Do(byte[] buffer)
        {
            switch (_reader.Field)
            {
                case 4:
                    SetCaptureRate();
                    break;
                case 5:
                    SetUploadWindow();
                    break;
                case 9:
                    Withdraw(buffer);
                    break;
                case 11:
                    if (_reader.Length < 0 && _reader.Value <= BatchWriter.MaxBatchBytes) _orderedBatchBytes = (int)_reader.Value;
                    break;
                default:
                    // 6, the reconnect window: taken before.
                    // 8, ranges to send again: what is still spooled is sent anyway, what was acked is durable at the collector.
                    // 10, a question: asked when all else is done.
                    break;
            }
        }

        private void SetCaptureRate()
        {
            int signal = 0;
            int periodMs = 0;
            _reader.Enter();
            while (_reader.Next())
            {
                if (_reader.Field == 1) signal = (int)_reader.Value;
                else if (_reader.Field == 2) periodMs = (int)_reader.Value;
            }

            _reader.Leave();
            int index = _profile.IndexOf(signal);
            if (index >= 0 && periodMs >= 0) _sampler.SetPeriod(index, periodMs);
        }

        // The firmware is told what changed, so that it can slow a sensor down or switch it off.
        private void TellRates(int[] told)
        {
            for (int i = 0; i < told.Length; i++)
            {
                int wantedMs;
                lock (_sampler) wantedMs = _sampler.WantedPeriodMs(i);
                if (wantedMs == told[i]) continue;
                told[i] = wantedMs;
                _handler!.OnCaptureRate(_profile.IdAt(i), wantedMs);
            }
        }

        // What the Command and the server's longest packet allow. Holds for what is sealed from now on; what is spooled goes as it stands.
        private void LimitBatches()
        {
            int most = _link.MaximumBatchBytes < BatchWriter.MaxBatchBytes ? _link.MaximumBatchBytes : 0;
            if (most < 0) most = 1;
            if (_orderedBatchBytes > 0 && (most == 0 || _orderedBatchBytes < most)) most = _orderedBatchBytes;
            _sampler.LimitBatches(most);
        }

        private void SetUploadWindow()
        {
            _uploadIntervalS = 0;
            _uploadOffsetS = 0;
            _hasUploadWindow = true;
            _reader.Enter();
            while (_reader.Next())
            {
                if (_reader.Field == 1 && _reader.Value <= 604800) _uploadIntervalS = (int)_reader.Value;
                else if (_reader.Field == 2 && _reader.Value <= 604800) _uploadOffsetS = (int)_reader.Value;
            }

            _reader.Leave();
        }

        // Holds whatever the version: it grows with the fleet, not with what is ordered of this device.
        private void TakeReconnectWindow(byte[] buffer)
        {
            _reader.Begin(buffer, _link.MessageAt, _link.MessageBytes);
            while (_reader.Next())
            {
                if (_reader.Field != ReconnectWindowField) continue;
                _reader.Enter();
                while (_reader.Next())
                {
                    if (_reader.Field == 1) _windowMs = _reader.Value > ReconnectPolicy.LongestWindowMs ? ReconnectPolicy.LongestWindowMs : (int)_reader.Value;
                }

                _reader.Leave();
            }
        }

        // withdrawn_signals is a packed list, or one number a field; a signal that is not in the newest Command has consent again.
        private void Withdraw(byte[] buffer)
        {
            if (_reader.Length < 0)
            {
                WithdrawSignal((int)_reader.Value);
                return;
            }

            int end = (int)_reader.Value + _reader.Length;
            int value = 0;
            int shift = 0;
            for (int at = (int)_reader.Value; at < end; at++)
            {
                value |= (buffer[at] & 0x7F) << shift;
                shift += 7;
                if ((buffer[at] & 0x80) != 0 && shift < 28) continue;
                WithdrawSignal(value);
                value = 0;
                shift = 0;
            }
        }

        private void WithdrawSignal(int signal)
        {
            int index = _profile.IndexOf(signal);
            if (index >= 0) _sampler.Withdraw(index);
        }

        private void Ask(byte[] buffer)
        {
            int id = 0;
            int answerSignal = 0;
            int answers = 0;
            string text = "";
            string[] found = new string[4];
            _reader.Enter();
            while (_reader.Next())
            {
                if (_reader.Field == 1) id = (int)_reader.Value;
                else if (_reader.Field == 2 && _reader.Length >= 0) text = Encoding.UTF8.GetString(buffer, (int)_reader.Value, _reader.Length);
                else if (_reader.Field == 3 && _reader.Length >= 0 && answers < 4) found[answers++] = Encoding.UTF8.GetString(buffer, (int)_reader.Value, _reader.Length);
                else if (_reader.Field == 4) answerSignal = (int)_reader.Value;
            }

            _reader.Leave();
            if (id != 0 && id == _askedId) return; // it stands in every Command until it is answered
            _askedId = id;
            string[] exact = new string[answers];
            System.Array.Copy(found, 0, exact, 0, answers);
            _handler!.OnQuestion(id, text, exact, answerSignal);
        }

        // The fence: what was recorded before it is dropped, here and, being of an erased epoch, at the collector.
        private void Erase()
        {
            lock (_sampler)
            {
                _sampler.DropOpen(LossReason.Erased);
                _ledger.CountErased(_spool.HeldSamples);
                _spool.BeginEpoch();
                _window.Clear();
                _bulkNext = 0;
                _eventNext = 0;
            }

            _mustBirth = true;
            _handler?.OnErased();
        }

        private long UploadDueInMs(long now)
        {
            long due = _nextUploadMs - now;
            return due > 0 ? due : 0;
        }

        // Everything is acked: the next upload waits for its window.
        private void NoteUploaded(long now)
        {
            long wait = UploadWaitMs();
            if (wait > 0) _nextUploadMs = now + wait;
        }

        private long UploadWaitMs()
        {
            long interval = _hasUploadWindow ? _uploadIntervalS * 1000L : _defaultUploadIntervalMs;
            if (IsSaving && interval < SavingIntervalMs) interval = SavingIntervalMs;
            if (interval <= 0 || !_hasUploadWindow) return interval;
            _wall.ReadAt(_wall.UptimeMs, out long wallUnixMs, out uint errorMs, out int source);
            return source == WallClock.SourceNone ? interval : interval - ((wallUnixMs - (_uploadOffsetS * 1000L)) % interval);
        }
    }
}
