#!/usr/bin/env python3
"""Measures ONNX Runtime on the texts and float32 weights that embed_bench runs on.

The BERT graph is built here from a published model directory (the converted copy serves this comparison only).
Texts are tokenised beforehand and that time is not counted, which favours the peer. Each way of running it is
timed, and the best one is reported too:
  graph    plain ONNX operators that the runtime fuses by itself, or its own fused operators
  batching one unpadded text a run, or padded batches of texts sorted by length
  threads  intra-op threads in one run, or as many runs at once of one thread each

  pip install onnxruntime onnx numpy tokenizers
  embed_peer.py --model-dir models/all-MiniLM-L6-v2 --texts texts.txt --threads 2
"""

import argparse
import json
import pathlib
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer

FUSED_DOMAIN = "com.microsoft"


def read_safetensors(path):
    """name -> float32 array."""
    data = path.read_bytes()
    header_size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + header_size])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        begin, end = (8 + header_size + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(data[begin:end], np.float32).reshape(entry["shape"])
    return tensors


class GraphBuilder:
    """Collects nodes and constants, naming them as it goes."""

    def __init__(self):
        self.nodes, self.constants, self.count = [], [], 0

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def floats(self, *values):
        return self.constant(np.array(values if len(values) > 1 else values[0], np.float32))

    def ints(self, *values):
        return self.constant(np.array(values, np.int64))

    def add(self, op, *inputs, domain="", **attributes):
        self.count += 1
        output = f"t{self.count}"
        self.nodes.append(helper.make_node(op, list(inputs), [output], domain=domain, **attributes))
        return output

    def linear(self, x, weight, bias):
        return self.add("Add", self.add("MatMul", x, self.constant(weight.T)), self.constant(bias))


def layer_parts(weights, layer):
    prefix = f"encoder.layer.{layer}."
    projections = [weights[f"{prefix}attention.self.{p}.weight"] for p in ("query", "key", "value")]
    biases = [weights[f"{prefix}attention.self.{p}.bias"] for p in ("query", "key", "value")]
    pair = lambda name: (weights[f"{prefix}{name}.weight"], weights[f"{prefix}{name}.bias"])
    return projections, biases, pair


def split_heads(g, x, heads):
    return g.add("Transpose", g.add("Reshape", x, g.ints(0, 0, heads, -1)), perm=[0, 2, 1, 3])


def plain_layer(g, x, mask_bias, weights, layer, config):
    heads, hidden, eps = config["num_attention_heads"], config["hidden_size"], config["layer_norm_eps"]
    projections, biases, pair = layer_parts(weights, layer)
    q, k, v = (split_heads(g, g.linear(x, w, b), heads) for w, b in zip(projections, biases))
    scores = g.add("MatMul", q, g.add("Transpose", k, perm=[0, 1, 3, 2]))
    scores = g.add("Div", scores, g.floats((hidden / heads) ** 0.5))
    probabilities = g.add("Softmax", g.add("Add", scores, mask_bias), axis=-1)
    context = g.add("Transpose", g.add("MatMul", probabilities, v), perm=[0, 2, 1, 3])
    context = g.add("Reshape", context, g.ints(0, 0, hidden))
    norm = lambda value, p: g.add("LayerNormalization", value, g.constant(p[0]), g.constant(p[1]), axis=-1, epsilon=eps)
    x = norm(g.add("Add", g.linear(context, *pair("attention.output.dense")), x), pair("attention.output.LayerNorm"))
    inner = g.linear(x, *pair("intermediate.dense"))
    error_function = g.add("Erf", g.add("Div", inner, g.floats(2.0**0.5)))
    inner = g.add("Mul", g.add("Mul", inner, g.add("Add", error_function, g.floats(1.0))), g.floats(0.5))
    return norm(g.add("Add", g.linear(inner, *pair("output.dense")), x), pair("output.LayerNorm"))


def fused_layer(g, x, lengths, weights, layer, config):
    heads, eps = config["num_attention_heads"], config["layer_norm_eps"]
    projections, biases, pair = layer_parts(weights, layer)
    qkv, qkv_bias = np.concatenate([w.T for w in projections], axis=1), np.concatenate(biases)
    context = g.add("Attention", x, g.constant(qkv), g.constant(qkv_bias), lengths, domain=FUSED_DOMAIN, num_heads=heads)

    def skip_norm(value, skip, norm_name, bias):
        gamma, beta = pair(norm_name)
        constants = [g.constant(a) for a in (gamma, beta, bias)]
        return g.add("SkipLayerNormalization", value, skip, *constants, domain=FUSED_DOMAIN, epsilon=eps)

    weight, bias = pair("attention.output.dense")
    x = skip_norm(g.add("MatMul", context, g.constant(weight.T)), x, "attention.output.LayerNorm", bias)
    weight, bias = pair("intermediate.dense")
    inner = g.add("BiasGelu", g.add("MatMul", x, g.constant(weight.T)), g.constant(bias), domain=FUSED_DOMAIN)
    weight, bias = pair("output.dense")
    return skip_norm(g.add("MatMul", inner, g.constant(weight.T)), x, "output.LayerNorm", bias)


def build_model(weights, config, fused):
    """A graph from ids [batch, tokens] and lengths [batch] to unit vectors [batch, hidden], mean pooling."""
    g = GraphBuilder()
    eps = config["layer_norm_eps"]
    token_count = g.add("Gather", g.add("Shape", "ids"), g.constant(np.int64(1)))
    positions = g.add("Range", g.constant(np.int64(0)), token_count, g.constant(np.int64(1)))
    words = g.add("Gather", g.constant(weights["embeddings.word_embeddings.weight"]), "ids")
    table = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    x = g.add("Add", words, g.add("Gather", g.constant(table), positions))
    gamma, beta = (g.constant(weights[f"embeddings.LayerNorm.{p}"]) for p in ("weight", "bias"))
    x = g.add("LayerNormalization", x, gamma, beta, axis=-1, epsilon=eps)

    columns = g.add("Unsqueeze", positions, g.ints(0))
    rows = g.add("Unsqueeze", "lengths", g.ints(1))
    mask = g.add("Cast", g.add("Less", columns, rows), to=TensorProto.FLOAT)
    lengths32 = g.add("Cast", "lengths", to=TensorProto.INT32)
    bias = g.add("Mul", g.add("Sub", g.floats(1.0), g.add("Unsqueeze", mask, g.ints(1, 2))), g.floats(-1e4))
    for layer in range(config["num_hidden_layers"]):
        x = fused_layer(g, x, lengths32, weights, layer, config) if fused else plain_layer(g, x, bias, weights, layer, config)

    summed = g.add("ReduceSum", g.add("Mul", x, g.add("Unsqueeze", mask, g.ints(2))), g.ints(1), keepdims=0)
    g.nodes.append(helper.make_node("LpNormalization", [summed], ["vectors"], axis=-1, p=2))

    graph = helper.make_graph(
        g.nodes,
        "bert",
        [
            helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "tokens"]),
            helper.make_tensor_value_info("lengths", TensorProto.INT64, ["batch"]),
        ],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["batch", config["hidden_size"]])],
        g.constants,
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(FUSED_DOMAIN, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def padded_batches(token_ids, batch):
    """Feeds of at most `batch` texts, sorted by length, and the numbers of their texts."""
    order = sorted(range(len(token_ids)), key=lambda i: len(token_ids[i]))
    feeds = []
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        lengths = np.array([len(token_ids[i]) for i in rows], np.int64)
        ids = np.zeros((len(rows), lengths.max()), np.int64)
        for row, i in enumerate(rows):
            ids[row, : lengths[row]] = token_ids[i]
        feeds.append((rows, {"ids": ids, "lengths": lengths}))
    return feeds


def open_session(model, intra_op_threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = intra_op_threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def time_feeds(session, feeds, workers):
    """Seconds and CPU seconds for all feeds; the longest first when several run at once."""
    run = lambda feed: session.run(None, feed[1])
    start, cpu_start = time.perf_counter(), time.process_time()
    if workers == 1:
        for feed in feeds:
            run(feed)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(run, reversed(feeds)))
    return time.perf_counter() - start, time.process_time() - cpu_start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model-dir", type=pathlib.Path, required=True)
    parser.add_argument("--texts", type=pathlib.Path, required=True, help="one text a line")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--max-tokens", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--only", help="time only this way, e.g. 'fused/batch 32/intra-op'")
    parser.add_argument("--vectors", type=pathlib.Path, help="write the vectors there as float32 rows")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()

    config = json.loads((args.model_dir / "config.json").read_text())
    weights = read_safetensors(args.model_dir / "model.safetensors")
    tokenizer = Tokenizer.from_file(str(args.model_dir / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(args.max_tokens)
    texts = args.texts.read_text().splitlines()
    token_ids = [encoding.ids for encoding in tokenizer.encode_batch(texts)]

    ways = {}
    for fused in (False, True):
        model = build_model(weights, config, fused)
        sessions = [("intra-op", open_session(model, args.threads), 1)]
        if args.threads > 1:
            sessions.append(("one thread a run", open_session(model, 1), args.threads))
        for batch in (1, 8, 32):
            feeds = padded_batches(token_ids, batch)
            for threading, session, workers in sessions:
                ways[f"{'fused' if fused else 'plain'}/batch {batch}/{threading}"] = (session, feeds, workers)
    if args.only:
        ways = {args.only: ways[args.only]}

    for session, feeds, workers in ways.values():
        time_feeds(session, feeds[:: max(1, len(feeds) // 8)], workers)
    runs = {way: [time_feeds(*ways[way]) for _ in range(args.repeats)] for way in ways}
    seconds = {way: statistics.median(wall for wall, _ in runs[way]) for way in ways}
    cpu_seconds = {way: statistics.median(cpu for _, cpu in runs[way]) for way in ways}
    if args.vectors:
        vectors = np.zeros((len(texts), config["hidden_size"]), np.float32)
        session, feeds, _ = next(iter(ways.values()))
        for rows, feed in feeds:
            vectors[rows] = session.run(None, feed)[0]
        vectors.tofile(args.vectors)

    best = min(seconds, key=seconds.get)
    tokens = sum(len(ids) for ids in token_ids)
    report = {
        "peer": f"onnxruntime {onnxruntime.__version__} float32",
        "threads": args.threads,
        "texts": len(texts),
        "tokens": tokens,
        "best": best,
        "texts_per_second": round(len(texts) / seconds[best], 1),
        "tokens_per_second": round(tokens / seconds[best], 1),
        "texts_per_cpu_second": round(len(texts) / cpu_seconds[best], 1),
        "all": {way: round(len(texts) / s, 1) for way, s in seconds.items()},
    }
    if args.json:
        print(json.dumps(report))
    else:
        for way, rate in report["all"].items():
            print(f"{way:40} {rate:10.1f} texts/s {len(texts) / cpu_seconds[way]:10.1f} texts/CPU s")
        print(f"best: {best}, {report['texts_per_second']} texts/s, {report['tokens_per_second']} tokens/s")


if __name__ == "__main__":
    main()
