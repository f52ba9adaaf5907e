// Publishes batches with MQTT.js at QoS 1 and waits for each PUBACK.
// usage: publish.js PORT PROTOCOL_VERSION USER SECRET TOPIC BATCH_FILE...     (NODE_PATH names node_modules)
const fs = require('fs');
const mqtt = require('mqtt');

const [port, version, username, password, topic, ...files] = process.argv.slice(2);
const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { protocolVersion: Number(version), username, password, reconnectPeriod: 0 });
client.on('error', (error) => { console.error(error.message); process.exit(1); });
client.on('connect', async () => {
  for (const file of files) {
    await client.publishAsync(topic, fs.readFileSync(file), { qos: 1 });
    console.log('acked', file);
  }
  await client.endAsync();
});
