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
        private bool _hasCommand;
        private long _subscribedAtMs;
        private long _nextUploadMs;
        private int _uploadIntervalS;
        private int _uploadOffsetS;
        private bool _hasUploadWindow;
        private int _orderedBatchBytes; // 0 = no limit
        private uint _commandVersion;
        private int _badCommands;
        private int _askedId;
        private readonly int[]? _toldPeriodsMs; // what the firmware was told last; null without one that listens

        private void OnCommand(long now)
        {
            _hasCommand = true;
            if (_link.MessageBytes == 0) return; // a cleared retained message
            if (!IsSound(out long serverUnixMs, out uint serverErrorMs, out uint version, out uint eraseEpoch))
            {
                _badCommands++;
                return;
            }

            Commands++;
            TakeTime(serverUnixMs, serverErrorMs, now);
            if (eraseEpoch != 0 && eraseEpoch == _spool.Epoch) Erase();
            TakeReconnectWindow();
            if (version != 0 && version == _commandVersion) return; // done before
            _commandVersion = version;

            // A Command replaces the last one as a whole: what it does not name is as the profile and the options say.
            lock (_sampler)
            {
                _hasUploadWindow = false;
                _orderedBatchBytes = 0;
                _sampler.ClearOrders();
                CommandReader orders = ReadCommand();
                while (orders.Next()) Do(ref orders);
                LimitBatches();
                long upload = now + UploadWaitMs();
                if (_nextUploadMs > upload) _nextUploadMs = upload; // a shorter interval holds at once, not after the long one
            }

            if (_handler == null || _toldPeriodsMs == null) return;
            TellRates(_toldPeriodsMs);
            CommandReader questions = ReadCommand();
            while (questions.Next())
            {
                if (questions.Field == QuestionField) Ask(ref questions);
            }
        }

        private CommandReader ReadCommand()
        {
            return new CommandReader(_link.Buffer, _link.MessageAt, _link.MessageBytes);
        }

        private bool IsSound(out long unixMs, out uint errorMs, out uint version, out uint eraseEpoch)
        {
            unixMs = 0;
            errorMs = 0;
            version = 0;
            eraseEpoch = 0;
            CommandReader reader = ReadCommand();
            while (reader.Next())
            {
                switch (reader.Field)
                {
                    case 1:
                        unixMs = reader.Value;
                        break;
                    case 2:
                        errorMs = (uint)reader.Value;
                        break;
                    case 3:
                        version = (uint)reader.Value;
                        break;
                    case 7:
                        eraseEpoch = (uint)reader.Value;
                        break;
                    case 4:
                    case 5:
                    case ReconnectWindowField:
                    case 8:
                    case QuestionField:
                        if (reader.Length < 0) return false;
                        reader.Enter();
                        while (reader.Next())
                        {
                        }

                        if (reader.IsMalformed) return false;
                        reader.Leave();
                        break;
                    default:
                        break;
                }
            }

            return !reader.IsMalformed;
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
        private void Do(ref CommandReader reader)
        {
            switch (reader.Field)
            {
                case 4:
                    SetCaptureRate(ref reader);
                    break;
                case 5:
                    SetUploadWindow(ref reader);
                    break;
                case 9:
                    Withdraw(ref reader);
                    break;
                case 11:
                    if (reader.Length < 0 && reader.Value <= BatchWriter.MaxBatchBytes) _orderedBatchBytes = (int)reader.Value;
                    break;
                default:
                    // 6, the reconnect window: taken before.
                    // 8, ranges to send again: what is still spooled is sent anyway, what was acked is durable at the collector.
                    // 10, a question: asked when all else is done.
                    break;
            }
        }

        private void SetCaptureRate(ref CommandReader reader)
        {
            int signal = 0;
            int periodMs = 0;
            reader.Enter();
            while (reader.Next())
            {
                if (reader.Field == 1) signal = (int)reader.Value;
                else if (reader.Field == 2) periodMs = (int)reader.Value;
            }

            reader.Leave();
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

        private void SetUploadWindow(ref CommandReader reader)
        {
            _uploadIntervalS = 0;
            _uploadOffsetS = 0;
            _hasUploadWindow = true;
            reader.Enter();
            while (reader.Next())
            {
                if (reader.Field == 1 && reader.Value <= 604800) _uploadIntervalS = (int)reader.Value;
                else if (reader.Field == 2 && reader.Value <= 604800) _uploadOffsetS = (int)reader.Value;
            }

            reader.Leave();
        }

        // Holds whatever the version: it grows with the fleet, not with what is ordered of this device.
        private void TakeReconnectWindow()
        {
            CommandReader reader = ReadCommand();
            while (reader.Next())
            {
                if (reader.Field != ReconnectWindowField) continue;
                reader.Enter();
                while (reader.Next())
                {
                    if (reader.Field == 1) _windowMs = reader.Value > ReconnectPolicy.LongestWindowMs ? ReconnectPolicy.LongestWindowMs : (int)reader.Value;
                }

                reader.Leave();
            }
        }

        // withdrawn_signals is a packed list, or one number a field; a signal that is not in the newest Command has consent again.
        private void Withdraw(ref CommandReader reader)
        {
            if (reader.Length < 0)
            {
                WithdrawSignal((int)reader.Value);
                return;
            }

            byte[] buffer = _link.Buffer;
            int end = (int)reader.Value + reader.Length;
            int value = 0;
            int shift = 0;
            for (int at = (int)reader.Value; at < end; at++)
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

        private void Ask(ref CommandReader reader)
        {
            int id = 0;
            int answerSignal = 0;
            int answers = 0;
            string text = "";
            string[] found = new string[4];
            byte[] buffer = _link.Buffer;
            reader.Enter();
            while (reader.Next())
            {
                if (reader.Field == 1) id = (int)reader.Value;
                else if (reader.Field == 2 && reader.Length >= 0) text = Encoding.UTF8.GetString(buffer, (int)reader.Value, reader.Length);
                else if (reader.Field == 3 && reader.Length >= 0 && answers < 4) found[answers++] = Encoding.UTF8.GetString(buffer, (int)reader.Value, reader.Length);
                else if (reader.Field == 4) answerSignal = (int)reader.Value;
            }

            reader.Leave();
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
                _sampler.Erase(_chance);
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
