import base64
import binascii
import hashlib
import hmac
import json
import struct
import uuid
import zlib


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64url_decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sign_jwt(payload: dict, secret: bytes) -> str:
    header = b64url(json.dumps({"alg": "HS256", "typ": "JWT"}, separators=(",", ":")).encode())
    body = b64url(json.dumps(payload, separators=(",", ":"), sort_keys=True).encode())
    signature = hmac.new(secret, f"{header}.{body}".encode(), hashlib.sha256).digest()
    return f"{header}.{body}.{b64url(signature)}"


def verify_jwt(token: str, secret: bytes) -> dict:
    header, body, signature = token.split(".")
    expected = hmac.new(secret, f"{header}.{body}".encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(expected, b64url_decode(signature)):
        raise ValueError("invalid signature")
    return json.loads(b64url_decode(body))


def totp(secret: str, timestamp: int, digits: int = 6) -> str:
    """RFC 6238 one-time password."""
    counter = struct.pack(">Q", timestamp // 30)
    digest = hmac.new(base64.b32decode(secret), counter, "sha1").digest()
    offset = digest[-1] & 0x0F
    code = struct.unpack(">I", digest[offset:offset + 4])[0] & 0x7FFFFFFF
    return str(code % 10 ** digits).zfill(digits)


secret = input["secret"].encode()
token = sign_jwt(input["payload"], secret)
claims = verify_jwt(token, secret)

try:
    verify_jwt(token[:-2] + "xx", secret)
    tampered = "accepted"
except (ValueError, binascii.Error) as e:
    tampered = str(e)

blob = bytes(range(8)) + b"graflow" * 40
packed = zlib.compress(blob, 9)

{
    "token": token,
    "claims": claims,
    "tampered": tampered,
    "totp": totp("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", 59, digits=8),
    "sha256": hashlib.sha256(b"abc").hexdigest(),
    "blake2b": hashlib.blake2b(b"abc", digest_size=8).hexdigest(),
    "sha3": hashlib.sha3_256(b"").hexdigest()[:16],
    "md5": hashlib.md5(b"", usedforsecurity=False).hexdigest(),
    "pbkdf2": hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 1000, dklen=8).hex(),
    "crc32": zlib.crc32(b"123456789"),
    "uuid5": uuid.uuid5(uuid.NAMESPACE_DNS, "example.org"),
    "roundtrip": zlib.decompress(packed) == blob and len(packed) < 50,
    "raw": struct.pack("<hIq", -2, 7, 1 << 40),
}
