namespace Telemetry.Device.Sampling
{
    // A spool that runs full while nobody takes from it: of signals of 1 to 15 s, one row in four is kept, so that what is spooled already gives way four times
    // as slowly and no minute goes empty. What is left out is counted as thinned, counters stand in the next row, and the flash sees nothing but ordinary batches.
    internal sealed partial class Sampler
    {
        private const int RowsForOne = 4;
        private const int FastestThinnedMs = 1000; // faster ones are waveforms: a part of one is worth nothing
        private const int SlowestThinnedMs = 60_000 / RowsForOne;

        private readonly bool _mayThin;

        private bool IsLeftOut(BlockGroup group)
        {
            int periodMs = _profile.PeriodMsAt(group.SignalAt(0));
            if (!_mayThin || periodMs < FastestThinnedMs || periodMs > SlowestThinnedMs || !_spool.IsNearlyFull) return false;
            if (++group.RowsSinceKept >= RowsForOne || group.Quality != group.KeptQuality)
            {
                group.RowsSinceKept = 0;
                group.KeptQuality = group.Quality;
                return false;
            }

            group.Present = 0;
            for (int column = 0; column < group.ColumnCount; column++)
            {
                Lose(group.SignalAt(column), LossReason.Thinned, 1);
                if (_profile.KindAt(group.SignalAt(column)) == SignalKind.Counter) group.Carries |= 1u << column; // the encoder has its value
            }

            return true;
        }
    }
}
