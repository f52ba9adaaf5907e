"""Drives the endpoint with Python's grpcio. Prints one line "ok NAME" a check; the first failure ends with a traceback and exit code 1.

usage: grpcio_peer.py DESCRIPTOR_SET PLAIN_PORT TLS_PORT CERTIFICATE_PEM AUTHORIZATION OPERATOR_TOKEN
"""
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

descriptor_set, plain_port, tls_port, certificate, authorization, operator_token = sys.argv[1:]
LIMIT = 30
DEVICE = (("authorization", authorization),)
OPERATOR = (("authorization", "Bearer " + operator_token),)


def pool_of(files):
    pool = descriptor_pool.DescriptorPool()
    left = {file.name: file for file in files}
    while left:
        for name, file in list(left.items()):
            if all(dependency not in left for dependency in file.dependency):
                pool.Add(file)
                del left[name]
    return pool


def message_type(pool, name):
    return message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName(name))


with open(descriptor_set, "rb") as source:
    POOL = pool_of(descriptor_pb2.FileDescriptorSet.FromString(source.read()).file)
Request, Response, Summary, Command, CommandsRequest, Brand, BrandList, SamplesRequest, SamplesPage = (
    message_type(POOL, "telemetry.v1." + name)
    for name in ("SubmitRequest", "SubmitResponse", "UploadSummary", "Command", "CommandsRequest", "Brand", "BrandList", "SamplesRequest", "SamplesPage"))
TWO_AND_A_HALF_SECONDS = b"\x08\x02\x10\x80\xca\xb5\xee\x01"  # google.protobuf.Duration
HealthRequest, HealthResponse = (message_type(POOL, "grpc.health.v1.HealthCheck" + kind) for kind in ("Request", "Response"))


def method(kind, channel, name, request, response):
    return getattr(channel, kind)("/" + name, request_serializer=request.SerializeToString, response_deserializer=response.FromString)


def refused(call):
    try:
        call()
    except grpc.RpcError as error:
        return error
    raise AssertionError("the call was not refused")


def ok(name):
    print("ok", name, flush=True)


def calls(channel, label):
    submit = method("unary_unary", channel, "telemetry.v1.Ingest/Submit", Request, Response)
    answer = submit(Request(tag=9, batches=[b"python", b"\x00\xff" * 40000]), metadata=DEVICE, timeout=LIMIT)
    assert answer.tag == 9 and [result.outcome for result in answer.results] == [1, 1], answer
    ok(label + " unary")

    upload = method("stream_unary", channel, "telemetry.v1.Ingest/Upload", Request, Summary)
    summary = upload((Request(batches=[b"up"]) for _ in range(100)), metadata=DEVICE, timeout=LIMIT)
    assert summary.stored == 100, summary
    ok(label + " client streaming")

    stream = method("stream_stream", channel, "telemetry.v1.Ingest/Stream", Request, Response)
    tags = [answer.tag for answer in stream((Request(tag=i, batches=[b"st"]) for i in range(500)), metadata=DEVICE, timeout=LIMIT)]
    assert tags == list(range(500)), tags[:10]
    ok(label + " bidirectional streaming")

    samples = method("unary_stream", channel, "telemetry.v1.Query/Samples", SamplesRequest, SamplesPage)
    pages = list(samples(SamplesRequest(device="d1", to_unix_ms=5), metadata=OPERATOR, timeout=LIMIT))
    assert len(pages) == 5 and all(len(page.samples) == 100 for page in pages)
    ok(label + " server streaming")


def rules(channel):
    submit = method("unary_unary", channel, "telemetry.v1.Ingest/Submit", Request, Response)
    assert refused(lambda: submit(Request(), timeout=LIMIT)).code() == grpc.StatusCode.UNAUTHENTICATED
    ok("wrong credentials")

    def refusal(*batches):
        error = refused(lambda: submit(Request(batches=batches), metadata=DEVICE, timeout=LIMIT))
        return error.code(), error.details(), dict(error.trailing_metadata()).get("grpc-status-details-bin", b"")

    for name, code in ((b"overloaded", grpc.StatusCode.RESOURCE_EXHAUSTED), (b"no storage", grpc.StatusCode.UNAVAILABLE)):
        found, _, details = refusal(name)
        assert found == code and b"google.rpc.RetryInfo" in details and TWO_AND_A_HALF_SECONDS in details, (found, details)
    found, text, _ = refusal(b"too large")
    assert found == grpc.StatusCode.INVALID_ARGUMENT and "batch 0: " in text and "262144 bytes" in text, (found, text)
    mixed = submit(Request(batches=[b"good", b"overloaded", b"too large"]), metadata=DEVICE, timeout=LIMIT).results
    assert [(one.outcome, one.reason, one.retry_after_ms) for one in mixed] == [(1, "", 0), (4, "overloaded", 2500), (4, "too_large", 0)], mixed
    ok("refusals")

    nothing = method("unary_unary", channel, "telemetry.v1.Ingest/Nothing", Request, Response)
    assert refused(lambda: nothing(Request(), timeout=LIMIT)).code() == grpc.StatusCode.UNIMPLEMENTED
    ok("unknown method")

    put_brand = method("unary_unary", channel, "telemetry.v1.Registry/PutBrand", Brand, Brand)
    error = refused(lambda: put_brand(Brand(), metadata=OPERATOR, timeout=LIMIT))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT and "Größe 100 %" in error.details(), error
    ok("status message")

    large = Brand(id="acme", name="x" * 100000)
    assert put_brand(large, metadata=OPERATOR, timeout=LIMIT, compression=grpc.Compression.Gzip) == large
    ok("gzip")

    error = refused(lambda: put_brand(Brand(id="a", name="x" * 5000000), metadata=OPERATOR, timeout=LIMIT))
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error
    ok("message too large")

    hang = method("unary_unary", channel, "test.Shapes/Hang", Brand, Brand)
    assert refused(lambda: hang(Brand(), timeout=0.2)).code() == grpc.StatusCode.DEADLINE_EXCEEDED
    ok("deadline")

    commands = method("unary_stream", channel, "telemetry.v1.Ingest/Commands", CommandsRequest, Command)(CommandsRequest(), metadata=DEVICE, timeout=LIMIT)
    assert next(commands).version == 3
    commands.cancel()
    assert refused(lambda: next(commands)).code() == grpc.StatusCode.CANCELLED
    ok("cancellation")

    metadata = method("unary_unary", channel, "test.Shapes/Metadata", Brand, Brand)
    _, call = metadata.with_call(Brand(), metadata=(("x-question", "why"), ("x-bytes-bin", b"\x00\xff")), timeout=LIMIT)
    assert dict(call.initial_metadata())["x-answer"] == "why" and dict(call.trailing_metadata())["x-bytes-bin"] == b"\x00\xff"
    ok("metadata")

    check = method("unary_unary", channel, "grpc.health.v1.Health/Check", HealthRequest, HealthResponse)
    assert check(HealthRequest(service="telemetry.v1.Ingest"), timeout=LIMIT).status == 1
    ok("health")


def reflection(channel, version):
    """What a client without any .proto file does: ask for the contract, build the messages, call."""
    ReflectionRequest = message_type(POOL, "grpc.reflection.%s.ServerReflectionRequest" % version)
    ReflectionResponse = message_type(POOL, "grpc.reflection.%s.ServerReflectionResponse" % version)
    info = method("stream_stream", channel, "grpc.reflection.%s.ServerReflection/ServerReflectionInfo" % version, ReflectionRequest, ReflectionResponse)
    asked = [ReflectionRequest(list_services="*"), ReflectionRequest(file_containing_symbol="telemetry.v1.Ingest")]
    services, files = list(info(iter(asked), timeout=LIMIT))
    assert "telemetry.v1.Ingest" in [service.name for service in services.list_services_response.service]
    found = pool_of([descriptor_pb2.FileDescriptorProto.FromString(file) for file in files.file_descriptor_response.file_descriptor_proto])
    submit = found.FindServiceByName("telemetry.v1.Ingest").FindMethodByName("Submit")
    request, response = message_type(found, submit.input_type.full_name), message_type(found, submit.output_type.full_name)
    answer = method("unary_unary", channel, "telemetry.v1.Ingest/Submit", request, response)(request(tag=4, batches=[b"reflected"]), metadata=DEVICE, timeout=LIMIT)
    assert answer.tag == 4
    ok("reflection " + version)


with grpc.insecure_channel("127.0.0.1:" + plain_port) as plain:
    calls(plain, "h2c")
    rules(plain)
    reflection(plain, "v1")
    reflection(plain, "v1alpha")
with open(certificate, "rb") as pem:
    credentials = grpc.ssl_channel_credentials(pem.read())
with grpc.secure_channel("localhost:" + tls_port, credentials) as secure:
    calls(secure, "TLS")
