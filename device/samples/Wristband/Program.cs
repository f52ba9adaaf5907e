// Wristband on .NET: dotnet run --project device/samples/Wristband -- HOST PORT BRAND DEVICE SECRET [SECONDS] [--tls]
using Samples;
using Wristband;

WristbandFirmware? firmware = null;
return await SampleRun.RunAsync(args, Signals.CreateProfile(), (client, _) => (firmware ??= new WristbandFirmware(client)).Tick());
