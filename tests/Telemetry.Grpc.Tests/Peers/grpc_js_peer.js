// Drives the endpoint with grpc-js. Prints one line "ok NAME" a check; the first failure ends with exit code 1.
// usage: node grpc_js_peer.js REPOSITORY PLAIN_PORT TLS_PORT CERTIFICATE_PEM AUTHORIZATION OPERATOR_TOKEN   (NODE_PATH has the packages)
'use strict';
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const [repository, plainPort, tlsPort, certificate, authorization, operatorToken] = process.argv.slice(2);
const contract = grpc.loadPackageDefinition(loader.loadSync(
  ['telemetry/v1/ingest.proto', 'telemetry/v1/registry.proto', 'telemetry/v1/query.proto', 'grpc/health/v1/health.proto', 'grpc/reflection/v1/reflection.proto'],
  { includeDirs: [path.join(repository, 'proto'), path.join(repository, 'collector/Telemetry.Grpc/Protos')], keepCase: true, longs: Number, enums: String, defaults: true }));
const { Ingest, Registry, Query } = contract.telemetry.v1;

const TWO_AND_A_HALF_SECONDS = Buffer.from('08021080cab5ee01', 'hex'); // google.protobuf.Duration
const ok = (name) => console.log('ok', name);
const metadata = (value) => { const made = new grpc.Metadata(); made.set('authorization', value); return made; };
const device = metadata(authorization);
const operator = metadata('Bearer ' + operatorToken);
const limit = () => ({ deadline: Date.now() + 30000 });
const promised = (call) => new Promise((resolve, reject) => call((error, value) => (error ? reject(error) : resolve(value))));
const refused = async (call) => { try { await promised(call); } catch (error) { return error; } throw new Error('the call was not refused'); };
const collected = (stream) => new Promise((resolve, reject) => {
  const all = [];
  stream.on('data', (message) => all.push(message)).on('end', () => resolve(all)).on('error', reject);
});

async function calls(address, credentials, label) {
  const client = new Ingest(address, credentials);
  const answer = await promised((done) => client.Submit({ tag: 9, batches: [Buffer.from('js'), Buffer.alloc(80000, 7)] }, device, limit(), done));
  assert.deepStrictEqual([answer.tag, answer.results.map((result) => result.outcome)], [9, ['OUTCOME_STORED', 'OUTCOME_STORED']]);
  ok(label + ' unary');

  const summary = await promised((done) => {
    const upload = client.Upload(device, limit(), done);
    for (let i = 0; i < 100; i++) upload.write({ batches: [Buffer.from('up')] });
    upload.end();
  });
  assert.strictEqual(summary.stored, 100);
  ok(label + ' client streaming');

  const stream = client.Stream(device, limit());
  const answers = collected(stream);
  for (let i = 0; i < 500; i++) stream.write({ tag: i, batches: [Buffer.from('st')] });
  stream.end();
  assert.deepStrictEqual((await answers).map((one) => one.tag), [...Array(500).keys()]);
  ok(label + ' bidirectional streaming');

  const query = new Query(address, credentials);
  const pages = await collected(query.Samples({ device: 'd1', to_unix_ms: 5 }, operator, limit()));
  assert.deepStrictEqual(pages.map((page) => page.samples.length), [100, 100, 100, 100, 100]);
  ok(label + ' server streaming');
  client.close();
  query.close();
}

async function rules(address) {
  const plain = grpc.credentials.createInsecure();
  const client = new Ingest(address, plain);
  assert.strictEqual((await refused((done) => client.Submit({}, new grpc.Metadata(), limit(), done))).code, grpc.status.UNAUTHENTICATED);
  ok('wrong credentials');

  const refusal = (...batches) => refused((done) => client.Submit({ batches: batches.map((batch) => Buffer.from(batch)) }, device, limit(), done));
  for (const [batch, code] of [['overloaded', grpc.status.RESOURCE_EXHAUSTED], ['no storage', grpc.status.UNAVAILABLE]]) {
    const found = await refusal(batch);
    const details = found.metadata.get('grpc-status-details-bin')[0];
    assert.strictEqual(found.code, code);
    assert.ok(details.includes('google.rpc.RetryInfo') && details.includes(TWO_AND_A_HALF_SECONDS), details.toString('hex'));
  }

  const large = await refusal('too large');
  assert.strictEqual(large.code, grpc.status.INVALID_ARGUMENT);
  assert.match(large.details, /batch 0: .*262144 bytes/);
  const mixed = await promised((done) => client.Submit({ batches: ['good', 'overloaded', 'too large'].map((batch) => Buffer.from(batch)) }, device, limit(), done));
  assert.deepStrictEqual(mixed.results.map((one) => [one.outcome, one.reason, one.retry_after_ms]),
    [['OUTCOME_STORED', '', 0], ['OUTCOME_REFUSED', 'overloaded', 2500], ['OUTCOME_REFUSED', 'too_large', 0]]);
  ok('refusals');

  const registry = new Registry(address, plain, { 'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip });
  const error = await refused((done) => registry.PutBrand({}, operator, limit(), done));
  assert.strictEqual(error.code, grpc.status.INVALID_ARGUMENT);
  assert.match(error.details, /Größe 100 %/);
  ok('status message');

  const brand = { id: 'acme', name: 'x'.repeat(100000) };
  assert.deepStrictEqual({ ...(await promised((done) => registry.PutBrand(brand, operator, limit(), done))) }, brand);
  ok('gzip');

  assert.strictEqual((await refused((done) => registry.ListBrands({}, operator, limit(), done))).code, grpc.status.UNIMPLEMENTED);
  ok('unknown method');

  const late = await refused((done) => client.makeUnaryRequest(
    '/test.Shapes/Hang', () => Buffer.alloc(0), (bytes) => bytes, {}, new grpc.Metadata(), { deadline: Date.now() + 200 }, done));
  assert.strictEqual(late.code, grpc.status.DEADLINE_EXCEEDED);
  ok('deadline');

  const commands = client.Commands({}, device, limit());
  const end = new Promise((resolve) => commands.on('error', resolve));
  await new Promise((resolve) => commands.once('data', (command) => { assert.strictEqual(command.version, 3); resolve(); }));
  commands.cancel();
  assert.strictEqual((await end).code, grpc.status.CANCELLED);
  ok('cancellation');

  const health = new contract.grpc.health.v1.Health(address, plain);
  assert.strictEqual((await promised((done) => health.Check({ service: '' }, limit(), done))).status, 'SERVING');
  ok('health');

  const reflection = new contract.grpc.reflection.v1.ServerReflection(address, plain);
  const info = reflection.ServerReflectionInfo(limit());
  const listed = collected(info);
  info.write({ list_services: '*' });
  info.end();
  assert.ok((await listed)[0].list_services_response.service.some((service) => service.name === 'telemetry.v1.Ingest'));
  ok('reflection');
  for (const one of [client, registry, health, reflection]) one.close();
}

(async () => {
  await calls('127.0.0.1:' + plainPort, grpc.credentials.createInsecure(), 'h2c');
  await rules('127.0.0.1:' + plainPort);
  await calls('localhost:' + tlsPort, grpc.credentials.createSsl(fs.readFileSync(certificate)), 'TLS');
})().catch((error) => { console.error(error); process.exit(1); });
