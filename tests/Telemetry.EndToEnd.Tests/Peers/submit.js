// Calls Ingest as a Node program would: unary Submit, then the bidirectional Stream.
// usage: submit.js PROTO_FOLDER PORT USER SECRET BATCH_FILE...     (NODE_PATH names node_modules)
// Prints one line a result: "unary OUTCOME" or "stream OUTCOME".
const fs = require('fs');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const [protos, port, user, secret, ...files] = process.argv.slice(2);
const definition = loader.loadSync('telemetry/v1/ingest.proto', { includeDirs: [protos], enums: String, keepCase: true });
const { Ingest } = grpc.loadPackageDefinition(definition).telemetry.v1;
const client = new Ingest(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
const metadata = new grpc.Metadata();
metadata.set('authorization', 'Basic ' + Buffer.from(`${user}:${secret}`).toString('base64'));
const batches = files.map((name) => fs.readFileSync(name));

const fail = (error) => { console.error(`${error.code} ${error.details}`); process.exit(1); };
client.Submit({ batches: [batches[0]] }, metadata, (error, answer) => {
  if (error) fail(error);
  answer.results.forEach((result) => console.log('unary', result.outcome));
  const stream = client.Stream(metadata);
  stream.on('data', (streamed) => streamed.results.forEach((result) => console.log('stream', result.outcome)));
  stream.on('error', fail);
  stream.on('end', () => client.close());
  batches.forEach((batch, tag) => stream.write({ tag, batches: [batch] }));
  stream.end();
});
