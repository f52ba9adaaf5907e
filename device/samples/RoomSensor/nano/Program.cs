using System.Threading;
using Samples;

namespace RoomSensor
{
    /// <summary>RoomSensor on the chip.</summary>
    public static class Program
    {
        public static void Main()
        {
            RoomSensorFirmware firmware = new RoomSensorFirmware(NanoRun.Start(Signals.CreateProfile()));
            while (true)
            {
                firmware.Tick();
                Thread.Sleep(1000);
            }
        }
    }
}
