using Telemetry.Testing;

namespace Telemetry.EndToEnd.Tests;

/// <summary>Clients we did not write hand batches in; they come back by the command line.</summary>
public sealed class RealPeerTests
{
    private const long Noon = 1_767_268_800_000; // 2026-01-01 12:00 UTC

    [RealPartFact("mosquitto_pub")]
    public async Task MosquittoPub_BothVersions_BatchComesBackBySamples()
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        string secret = await collector.AddDeviceAsync("acme", "mosquitto");
        foreach ((string version, ulong seq) in new[] { ("mqttv311", 1ul), ("mqttv5", 2ul) })
        {
            string file = collector[$"{seq}.batch"];
            await File.WriteAllBytesAsync(file, PeerBatches.HeartRates(0xC0FFEE, seq, Noon + (long)seq * 60_000, 60, 61, 62 + (int)seq));
            (int exit, _, string transcript) = await ChildProcess.RunAsync(
                RealParts.PathOf("mosquitto_pub")!,
                ["-h", "127.0.0.1", "-p", $"{collector.MqttPort}", "-V", version, "-q", "1", "-u", "acme/mosquitto", "-P", secret, "-t", "t1/acme/mosquitto/up", "-f", file]);
            Assert.True(exit == 0, transcript);
        }

        Assert.Equal(new double[] { 60, 61, 63, 60, 61, 64 }, await collector.SamplesAsync("acme/mosquitto", "heart_rate"));
    }

    [RealPartFact("mosquitto_sub")]
    public async Task Terminate_WhileAnOperatorListens_DrainsAndExitsWithZero()
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        // mosquitto_sub keeps its lines back while it writes into a pipe; stdbuf lets them come.
        await using ChildProcess tap = ChildProcess.Start(
            "stdbuf",
            ["-oL", RealParts.PathOf("mosquitto_sub")!, "-d", "-h", "127.0.0.1", "-p", $"{collector.MqttPort}", "-u", "operator", "-P", collector.OperatorToken, "-t", "#"]);
        await tap.LineAsync(line => line.Contains("SUBACK", StringComparison.Ordinal));

        Assert.True(await collector.TerminateAsync() == 0, collector.Transcript);
    }

    [RealPartFact("npm:mqtt")]
    public async Task MqttJs_BothVersions_BatchComesBackBySamples()
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        string secret = await collector.AddDeviceAsync("acme", "js");
        foreach ((string version, ulong seq) in new[] { ("4", 1ul), ("5", 2ul) })
        {
            string file = collector[$"{seq}.batch"];
            await File.WriteAllBytesAsync(file, PeerBatches.HeartRates(0xC0FFEE, seq, Noon + (long)seq * 60_000, 70, 71 + (int)seq));
            (int exit, string output, string transcript) = await ChildProcess.RunAsync(
                "node", [Script("publish.js"), $"{collector.MqttPort}", version, "acme/js", secret, "t1/acme/js/up", file, file], environment: NodePath);
            Assert.True(exit == 0, transcript);
            Assert.Equal(2, output.Split('\n').Count(line => line.StartsWith("acked", StringComparison.Ordinal)));
        }

        // Every batch was published twice and is stored once.
        Assert.Equal(new double[] { 70, 72, 70, 73 }, await collector.SamplesAsync("acme/js", "heart_rate"));
    }

    [RealPartFact("python:grpc", "python:grpc_tools")]
    public async Task PythonGrpc_UnaryAndStreaming_BatchesComeBackBySamples()
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        string secret = await collector.AddDeviceAsync("acme", "py");
        string[] files = await WriteBatchesAsync(collector);
        Directory.CreateDirectory(collector["generated"]);
        (int exit, string output, string transcript) = await ChildProcess.RunAsync(
            RealParts.Python, [Script("submit.py"), Protos, collector["generated"], $"{collector.GrpcPort}", "acme/py", secret, .. files]);
        Assert.True(exit == 0, transcript);
        Assert.Equal(Settled, output.Split('\n'));
        Assert.Equal(new double[] { 80, 81, 82, 83, 84, 85 }, await collector.SamplesAsync("acme/py", "heart_rate"));
    }

    [RealPartFact("npm:@grpc/grpc-js", "npm:@grpc/proto-loader")]
    public async Task GrpcJs_UnaryAndStreaming_BatchesComeBackBySamples()
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        string secret = await collector.AddDeviceAsync("acme", "node");
        string[] files = await WriteBatchesAsync(collector);
        (int exit, string output, string transcript) = await ChildProcess.RunAsync(
            "node", [Script("submit.js"), Protos, $"{collector.GrpcPort}", "acme/node", secret, .. files], environment: NodePath);
        Assert.True(exit == 0, transcript);
        Assert.Equal(Settled, output.Split('\n'));
        Assert.Equal(new double[] { 80, 81, 82, 83, 84, 85 }, await collector.SamplesAsync("acme/node", "heart_rate"));
    }

    // The first batch goes in by the unary call, so the stream finds it stored already.
    private static readonly string[] Settled = ["unary OUTCOME_STORED", "stream OUTCOME_DUPLICATE", "stream OUTCOME_STORED", "stream OUTCOME_STORED"];

    private static string Protos => Path.Combine(RealParts.RepositoryRoot, "proto");

    private static Dictionary<string, string> NodePath => new() { ["NODE_PATH"] = RealParts.NodeModules };

    private static string Script(string name) => Path.Combine(RealParts.RepositoryRoot, "tests", "Telemetry.EndToEnd.Tests", "Peers", name);

    private static async Task<string[]> WriteBatchesAsync(CollectorProcess collector)
    {
        string[] files = [collector["1.batch"], collector["2.batch"], collector["3.batch"]];
        for (int i = 0; i < files.Length; i++)
        {
            await File.WriteAllBytesAsync(files[i], PeerBatches.HeartRates(0xBEEF, (ulong)i + 1, Noon + i * 60_000, 80 + 2 * i, 81 + 2 * i));
        }

        return files;
    }
}
