// The room sensor on a Raspberry Pi: BME280 on I2C bus 1 (temperature, humidity), HC-SR501 on GPIO 17 (motion), door contact on GPIO 27.
// dotnet run --project device/samples/RoomSensor.Iot -p:PublicRegistry=true -- HOST PORT BRAND DEVICE SECRET [SECONDS] [--tls]
using System.Device.Gpio;
using System.Device.I2c;
using Iot.Device.Bmxx80;
using RoomSensor;
using Samples;

using I2cDevice bus = I2cDevice.Create(new I2cConnectionSettings(busId: 1, Bme280.DefaultI2cAddress));
using Bme280 climate = new(bus);
using GpioController pins = new();
using RoomSensors sensors = new(climate, pins, motionPin: 17, doorPin: 27);
return await SampleRun.RunAsync(args, Signals.CreateProfile(), sensors.Record);
