using System.Threading;
using Samples;

namespace Wristband
{
    /// <summary>Wristband on the chip.</summary>
    public static class Program
    {
        public static void Main()
        {
            WristbandFirmware firmware = new WristbandFirmware(NanoRun.Start(Signals.CreateProfile()));
            while (true)
            {
                firmware.Tick();
                Thread.Sleep(1000);
            }
        }
    }
}
