using System.Text;
using Telemetry.Testing;
using static Telemetry.Mqtt.Tests.MqttStandard;

namespace Telemetry.Mqtt.Tests;

/// <summary>Clients that others wrote, over both versions.</summary>
public class RealClientTests
{
    private const string Secret = "secret-of-acme/band-1";

    [RealPartFact("mosquitto_pub")]
    [Statement(V311, "MQTT-7.0.0-2")]
    public async Task MosquittoPub_BothVersions_PublishesAndIsAcknowledged()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        foreach (string version in new[] { "mqttv311", "mqttv5" })
        {
            foreach (string qos in new[] { "0", "1", "2" })
            {
                await using ChildProcess pub = Mosquitto("mosquitto_pub", host, version, "-t", "t1/acme/band-1/up", "-q", qos, "-m", $"{version} {qos}");
                Assert.Equal(0, await pub.ExitAsync());
                await host.Ingest.Arrived.WaitAsync(TestLimits.Answer);
            }
        }

        Assert.Equal(
            ["mqttv311 0", "mqttv311 1", "mqttv311 2", "mqttv5 0", "mqttv5 1", "mqttv5 2"],
            host.Ingest.Submitted.Select(one => Encoding.UTF8.GetString(one.Batch)));
    }

    [RealPartFact("mosquitto_pub")]
    public async Task MosquittoPub_WrongSecret_IsToldSo()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using ChildProcess pub = ChildProcess.Start("mosquitto_pub", ["-h", "127.0.0.1", "-p", $"{host.Port}", "-u", "acme/band-1", "-P", "wrong", "-t", "t1/acme/band-1/up", "-m", "x"]);

        Assert.NotEqual(0, await pub.ExitAsync());
        Assert.Empty(host.Ingest.Submitted);
        await host.EndedAsync(EndReasons.BadCredentials);
    }

    [RealPartFact("mosquitto_sub")]
    public async Task MosquittoSub_OwnDown_GetsTheRetainedCommand()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        host.Ingest.Commands["acme/band-1"] = "command 1";
        foreach (string version in new[] { "mqttv311", "mqttv5" })
        {
            await using ChildProcess sub = Mosquitto("mosquitto_sub", host, version, "-t", "t1/acme/band-1/down", "-q", "1", "-C", "1");
            Assert.Equal(0, await sub.ExitAsync());
            Assert.Equal(["command 1"], sub.Output);
        }
    }

    [RealPartFact("mosquitto_sub", "mosquitto_pub")]
    public async Task MosquittoSub_AsOperator_SeesLiveTraffic()
    {
        await using MqttHost host = await MqttHost.StartAsync(new MqttEndpointOptions { OperatorToken = "operator-token-1" });
        await using ChildProcess sub = ChildProcess.Start(
            "mosquitto_sub", ["-h", "127.0.0.1", "-p", $"{host.Port}", "-u", "operator", "-P", "operator-token-1", "-t", "t1/#", "-v", "-C", "1"]);
        using CancellationTokenSource limit = new(TestLimits.Answer);
        while (!host.Endpoint.Tap.HasSubscribers)
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        await using ChildProcess pub = Mosquitto("mosquitto_pub", host, "mqttv5", "-t", "t1/acme/band-1/up", "-q", "1", "-m", "live");

        Assert.Equal(0, await pub.ExitAsync());
        Assert.Equal(0, await sub.ExitAsync());
        Assert.Equal(["t1/acme/band-1/up live"], sub.Output);
    }

    [RealPartFact("npm:mqtt")]
    public async Task MqttJs_BothVersions_PublishesSubscribesResumesAndLeavesAWill()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        host.Ingest.Commands["acme/band-1"] = "command 1";
        string script = $$"""
            const mqtt = require('{{RealParts.NodeModules}}/mqtt');
            async function run(version) {
              const options = { protocolVersion: version, username: 'acme/band-1', password: '{{Secret}}', clientId: 'js' + version, clean: false, reconnectPeriod: 0,
                properties: version === 5 ? { sessionExpiryInterval: 60 } : undefined, will: { topic: 't1/acme/band-1/life', payload: 'lost ' + version, qos: 1 } };
              let client = await mqtt.connectAsync('mqtt://127.0.0.1:{{host.Port}}', options);
              const command = new Promise(done => client.once('message', (topic, payload) => done(payload.toString())));
              await client.subscribeAsync('t1/acme/band-1/down', { qos: 1 });
              console.log('command', await command);
              await Promise.all([...Array(100).keys()].map(i => client.publishAsync('t1/acme/band-1/up', version + ' ' + i, { qos: i % 3 })));
              client.stream.destroy();
              await new Promise(done => client.once('close', done));
              await client.endAsync(true);
              client = mqtt.connect('mqtt://127.0.0.1:{{host.Port}}', options);
              const connack = await new Promise(done => client.once('connect', done));
              console.log('session', version, connack.sessionPresent);
              await client.endAsync();
            }
            run(4).then(() => run(5)).then(() => process.exit(0), error => { console.log('failed', error); process.exit(1); });
            """;
        await using ChildProcess node = ChildProcess.Start("node", ["-e", script]);

        Assert.True(await node.ExitAsync() == 0, node.Transcript);
        Assert.Contains("session 4 true", node.Transcript, StringComparison.Ordinal);
        Assert.Contains("session 5 true", node.Transcript, StringComparison.Ordinal);
        Assert.Equal(2, node.Output.Count(line => line == "command command 1"));
        Assert.Equal(200, host.Ingest.Submitted.Count);
        Assert.Equal(["lost 4", "lost 5"], host.Ingest.Lives.Select(life => life.Message));
    }

    [RealPartFact("python:paho")]
    public async Task PahoPython_BothVersions_SendsAgainWhatWasNotAcknowledged()
    {
        await using MqttHost host = await MqttHost.StartAsync(isDurableAtOnce: false);
        string script = $$"""
            import sys, paho.mqtt.client as mqtt
            version = int(sys.argv[1])
            client = mqtt.Client('py%d' % version, protocol=version) if version == 5 else mqtt.Client('py4', clean_session=False, protocol=version)
            client.username_pw_set('acme/band-1', '{{Secret}}')
            client.reconnect_delay_set(1, 1)
            client.on_connect = lambda *a: print('connected', flush=True)
            client.connect('127.0.0.1', {{host.Port}})
            client.loop_start()
            info = client.publish('t1/acme/band-1/up', 'paho %d' % version, qos=1)
            info.wait_for_publish()
            print('published', flush=True)
            client.disconnect()
            client.loop_stop()
            """;
        foreach (int version in new[] { 4, 5 })
        {
            int before = host.Ingest.Submitted.Count;
            await using ChildProcess paho = ChildProcess.Start(RealParts.Python, ["-c", script, $"{version}"]);
            await host.Ingest.Arrived.WaitAsync(TestLimits.Answer);
            host.Ingest.MakeDurable(before + 1, succeeds: false);
            await host.Ingest.Arrived.WaitAsync(TestLimits.Answer);
            host.Ingest.MakeDurable(before + 2);

            Assert.True(await paho.ExitAsync() == 0, paho.Transcript);
            Assert.Contains("published", paho.Output);
            Assert.Equal([$"paho {version}", $"paho {version}"], host.Ingest.Submitted.Skip(before).Select(one => Encoding.UTF8.GetString(one.Batch)));
        }
    }

    private static ChildProcess Mosquitto(string program, MqttHost host, string version, params string[] rest) =>
        ChildProcess.Start(program, ["-h", "127.0.0.1", "-p", $"{host.Port}", "-V", version, "-i", "tool", "-u", "acme/band-1", "-P", Secret, .. rest]);
}
