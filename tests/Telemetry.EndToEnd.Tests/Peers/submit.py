"""Calls Ingest as a Python program would: unary Submit, then the bidirectional Stream.

usage: submit.py PROTO_FOLDER BUILD_FOLDER PORT USER SECRET BATCH_FILE...
Prints one line a result: "unary OUTCOME" or "stream OUTCOME".
"""
import base64
import sys

import grpc
from grpc_tools import protoc

protos, build, port, user, secret, files = *sys.argv[1:6], sys.argv[6:]
code = protoc.main(["protoc", f"-I{protos}", f"--python_out={build}", f"--grpc_python_out={build}",
                    f"{protos}/telemetry/v1/ingest.proto", f"{protos}/telemetry/v1/commands.proto"])
if code != 0:
    sys.exit("protoc failed")
sys.path.insert(0, build)
from telemetry.v1 import ingest_pb2, ingest_pb2_grpc  # noqa: E402  (generated just above)

metadata = [("authorization", "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode())]
batches = [open(name, "rb").read() for name in files]
with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
    ingest = ingest_pb2_grpc.IngestStub(channel)
    answer = ingest.Submit(ingest_pb2.SubmitRequest(batches=batches[:1]), metadata=metadata, timeout=30)
    for result in answer.results:
        print("unary", ingest_pb2.Outcome.Name(result.outcome))
    requests = (ingest_pb2.SubmitRequest(tag=i, batches=[batch]) for i, batch in enumerate(batches))
    for answer in ingest.Stream(requests, metadata=metadata, timeout=30):
        for result in answer.results:
            print("stream", ingest_pb2.Outcome.Name(result.outcome))
