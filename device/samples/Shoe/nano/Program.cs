using System.Threading;
using Samples;

namespace Shoe
{
    /// <summary>Shoe on the chip.</summary>
    public static class Program
    {
        public static void Main()
        {
            ShoeFirmware firmware = new ShoeFirmware(NanoRun.Start(Signals.CreateProfile()));
            while (true)
            {
                firmware.Tick();
                Thread.Sleep(1000);
            }
        }
    }
}
