// RoomSensor on .NET: dotnet run --project device/samples/RoomSensor -- HOST PORT BRAND DEVICE SECRET [SECONDS] [--tls]
using Samples;
using RoomSensor;

RoomSensorFirmware? firmware = null;
return await SampleRun.RunAsync(args, Signals.CreateProfile(), (client, _) => (firmware ??= new RoomSensorFirmware(client)).Tick());
