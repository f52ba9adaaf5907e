// Shoe on .NET: dotnet run --project device/samples/Shoe -- HOST PORT BRAND DEVICE SECRET [SECONDS] [--tls]
using Samples;
using Shoe;

ShoeFirmware? firmware = null;
return await SampleRun.RunAsync(args, Signals.CreateProfile(), (client, _) => (firmware ??= new ShoeFirmware(client)).Tick());
