#!/usr/bin/env python3
"""Check a receipt without a line of the kiosk's own code: Python's standard library, and `openssl` for the signatures.

    python3 verify_receipt.py FILE TRUST

FILE is a receipt's bytes (*.receipt), TRUST the hub's trust root (trust.json). Exit 0: it holds, and one line says what is proven. Exit 1: it
does not, with the reason. Each step names its section of docs/ledger.md. Cosignatures have to hold by the keys beside them; whose those are, and
the trust root's handovers, it does not look at.
"""
import base64, hashlib, json, os, subprocess, sys, tempfile

ED25519, ESP256, SHA256 = -19, -9, -16


class Refused(Exception):
    pass


def need(condition, reason):
    if not condition:
        raise Refused(reason)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


# --- "CBOR": RFC 8949 §4.2.1. What decodes is written again and compared, so that there is one encoding of everything. ---
def cbor_decode(data):
    value, rest = _item(data, 0)
    need(rest == len(data) and cbor_encode(value) == data, "not deterministic CBOR")
    return value


def _item(data, at, depth=0):
    need(at < len(data) and depth < 20, "CBOR ends too soon")
    major, info = data[at] >> 5, data[at] & 31
    at += 1
    if major == 7:
        need(info in (20, 21, 22), "CBOR simple value")
        return {20: False, 21: True, 22: None}[info], at
    need(info <= 27, "CBOR length")
    width = 0 if info < 24 else 1 << (info - 24)
    number = info if width == 0 else int.from_bytes(data[at:at + width], "big")
    at += width
    if major == 0:
        return number, at
    if major == 1:
        return -1 - number, at
    need(major in (2, 3, 4, 5) and number <= len(data) - at, "CBOR item")
    if major == 2:
        return bytes(data[at:at + number]), at + number
    if major == 3:
        try:
            return data[at:at + number].decode("utf-8"), at + number
        except UnicodeDecodeError:
            raise Refused("CBOR text")
    items = []
    for _ in range(number * (2 if major == 5 else 1)):
        item, at = _item(data, at, depth + 1)
        items.append(item)
    if major == 4:
        return items, at
    need(all(isinstance(key, (int, str)) for key in items[::2]), "CBOR map key")
    return dict(zip(items[::2], items[1::2])), at


def _head(major, number):
    if number < 24:
        return bytes([major << 5 | number])
    for info, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << (8 * width):
            return bytes([major << 5 | info]) + number.to_bytes(width, "big")
    raise Refused("CBOR integer")


def cbor_encode(value):
    if value is None or value is True or value is False:
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[value]
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        text = value.encode("utf-8")
        return _head(3, len(text)) + text
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(map(cbor_encode, value))
    pairs = sorted((cbor_encode(key), cbor_encode(item)) for key, item in value.items())
    return _head(5, len(pairs)) + b"".join(key + item for key, item in pairs)


# --- "Signatures": handed to openssl. ---
def der_integer(number):
    number = number.lstrip(b"\0") or b"\0"
    number = b"\0" + number if number[0] & 0x80 else number
    return b"\x02" + bytes([len(number)]) + number


def verifies(key, message, signature):
    alg, raw = key
    need(len(signature) == 64, "signature length")
    if alg == ED25519:
        der = bytes.fromhex("302a300506032b6570032100") + raw
    else:
        need(alg == ESP256 and len(raw) == 33, "algorithm")
        der = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + raw
        body = der_integer(signature[:32]) + der_integer(signature[32:])
        signature = b"\x30" + bytes([len(body)]) + body
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("key", "message", "signature")]
        pem = b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(der) + b"-----END PUBLIC KEY-----\n"
        for path, content in zip(paths, (pem, message, signature)):
            with open(path, "wb") as file:
                file.write(content)
        how = ["-rawin"] if alg == ED25519 else ["-rawin", "-digest", "sha256"]
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", paths[0], "-in", paths[1], "-sigfile", paths[2], *how]
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


# --- "Envelope": RFC 9052 COSE_Sign1 or COSE_Sign over the hash of the body (RFC 9995). ---
def open_envelope(envelope, chain, keys):
    cose, body = cbor_decode(envelope)
    named = {258: SHA256, 259: 60}
    header = lambda key: {1: key[0], 4: sha256(cbor_encode(key))}
    aad = b"imi/tx/1" + chain.encode()
    if cose[:1] == b"\xd2":
        protected, _, digest, signature = cbor_decode(cose[1:])
        need(len(keys) == 1 and protected == cbor_encode({**header(keys[0]), **named}), "signer")
        signed = [(keys[0], ["Signature1", protected, aad, digest], signature)]
    else:
        need(cose[:2] == b"\xd8\x62", "COSE")
        protected, _, digest, signatures = cbor_decode(cose[2:])
        need(protected == cbor_encode(named) and len(signatures) == len(keys) > 1, "signers")
        need(all(one[0] == cbor_encode(header(key)) for one, key in zip(signatures, keys)), "signers")
        signed = [(key, ["Signature", protected, one[0], aad, digest], one[2]) for one, key in zip(signatures, keys)]
    need(digest == sha256(body), "the hash of the body")
    for key, structure, signature in signed:
        need(verifies(key, cbor_encode(structure), signature), "a signature of the transaction")
    return digest, cbor_decode(body)


# --- "Log": RFC 9162 §2.1.3.2. The path leads to a root, and only what is signed says that it is the log's. ---
def log_root(leaf, index, size, path):
    need(0 <= index < size and len(path) % 32 == 0, "log path")
    fn, sn, node = index, size - 1, sha256(b"\0", leaf)
    for sibling in pieces(path, 32):
        need(sn > 0, "log path")
        if fn & 1 or fn == sn:
            node = sha256(b"\1", sibling, node)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = sha256(b"\1", node, sibling)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "log path")
    return node


def merkle(leaves):
    if not leaves:
        return sha256()
    if len(leaves) == 1:
        return sha256(b"\0", leaves[0])
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1", merkle(leaves[:half]), merkle(leaves[half:]))


# --- "Head": a header and votes as CometBFT encodes them (Protocol Buffers, zero values left out). ---
def varint(number):
    number &= (1 << 64) - 1
    out = b""
    while number > 0x7F:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


integer_field = lambda field, value: b"" if value == 0 else varint(field << 3) + varint(value)
message_field = lambda field, value: varint(field << 3 | 2) + varint(len(value)) + value
bytes_field = lambda field, value: b"" if value == b"" else message_field(field, value)
fixed_field = lambda field, value: b"" if value == 0 else varint(field << 3 | 1) + value.to_bytes(8, "little")
pieces = lambda data, length: [data[at:at + length] for at in range(0, len(data), length)]
timestamp = lambda seconds, nanos: integer_field(1, seconds) + integer_field(2, nanos)
block_id = lambda block, total, parts: bytes_field(1, block) + message_field(2, integer_field(1, total) + bytes_field(2, parts))


def check_head(head, root, trust):
    size, state_root, (height, seconds, nanos, hidden), (round_, total, parts, times, signatures), (keys, powers) = head
    need(height >= trust["height"], "a head before the trust root")
    need(len(hidden) == 160 and len(keys) == 32 * len(powers), "the head")
    validators = list(zip(pieces(keys, 32), powers))
    app_hash = sha256(b"imi/app/1", root, size.to_bytes(8, "big"), state_root)
    set_hash = merkle([message_field(1, bytes_field(1, key)) + integer_field(2, power) for key, power in validators])
    last, data, following, results, evidence = pieces(hidden, 32)
    leaf, node = lambda field: sha256(b"\0", field), lambda left, right: sha256(b"\1", left, right)
    shown = merkle([integer_field(1, 11) + integer_field(2, 1), bytes_field(1, trust["chain"].encode()), integer_field(1, height), timestamp(seconds, nanos)])
    first = node(shown, node(last, node(data, leaf(bytes_field(1, set_hash)))))
    header_hash = node(first, node(node(following, node(leaf(bytes_field(1, app_hash)), results)), evidence))
    voted = [(key, step) for (key, _), step in zip(validators, times) if step is not None]
    need(len(times) == len(validators) and len(signatures) == 64 * len(voted), "votes")
    need(len(dict(validators)) == len(validators), "a validator twice")
    signers, at = dict(voted), seconds * 10**9 + nanos
    for (key, step), signature in zip(voted, pieces(signatures, 64)):
        at += step
        signed = (integer_field(1, 2) + fixed_field(2, height) + fixed_field(3, round_) + message_field(4, block_id(header_hash, total, parts))
                  + message_field(5, timestamp(*divmod(at, 10**9))) + bytes_field(6, trust["chain"].encode()))
        need(verifies([ED25519, key], varint(len(signed)) + signed, signature), "a validator's signature")
    need(3 * sum(power for key, power in validators if key in signers) > 2 * sum(powers), "too little power signed")
    trusted = [(base64.urlsafe_b64decode(one["key"] + "="), one["power"]) for one in trust["validators"]]
    need(3 * sum(power for key, power in trusted if key in signers) > 2 * sum(power for _, power in trusted), "signed by others than those trusted")
    return size, state_root, height - 1, seconds


# --- "Checkpoints": whoever cosigned has seen this log and state. ---
def check_cosignatures(checkpoint, size, root, height, state_root):
    origin, cosignatures = checkpoint["origin"], checkpoint["cosignatures"]
    b64 = lambda data: base64.b64encode(data).decode()
    text = f"{origin}\n{size}\n{b64(root)}\nheight {height}\nstate {b64(state_root)}\n"
    keys = [key for key, _, _ in cosignatures]
    need(len(checkpoint) == 2 and "\n" not in origin and keys and keys == sorted(set(keys)), "cosignatures")
    for key, time, signature in cosignatures:
        need(verifies([ED25519, key], f"cosignature/v1\ntime {time}\n{text}".encode(), signature), "a cosignature")


def verify(receipt_bytes, trust):
    receipt = cbor_decode(receipt_bytes)
    need(isinstance(receipt, list) and len(receipt) in (7, 8) and receipt[0] == 1, "not a receipt")
    _, envelope, keys, parts, index, path, head, *cosigned = receipt
    transaction, body = open_envelope(envelope, trust["chain"], keys)
    need(body["chain"] == trust["chain"], "another chain")
    need(len(parts) == len(body["acts"]), "private parts")
    for act, opened in zip(body["acts"], parts):  # "Private parts"
        if opened is not None:
            need(act["private"] == [SHA256, sha256(opened["salt"], cbor_encode(opened["part"]))] and opened["part"]["kind"] == act["kind"], "a private part")
    root = log_root(envelope, index, head[0], path)
    size, state_root, height, seconds = check_head(head, root, trust)
    for checkpoint in cosigned:
        check_cosignatures(checkpoint, size, root, height, state_root)
    kinds = ", ".join(act["kind"] for act in body["acts"])
    return f"{transaction.hex()}: {kinds}; log entry {index + 1} of {size} on {trust['chain']} at height {height}, signed at {seconds}"


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as receipt_file, open(sys.argv[2], "rb") as trust_file:
        receipt_bytes, trust = receipt_file.read(), json.load(trust_file)
    try:
        print(verify(receipt_bytes, trust))
    except (Refused, KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as fault:
        print(f"Refused: {fault}", file=sys.stderr)
        sys.exit(1)
