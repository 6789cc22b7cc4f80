"""Makes the keys and tokens of this folder anew (Python with `cryptography`). Every run makes other keys.

The secret halves are thrown away: whoever wants one more token makes all of them.
"""

import base64
import json
import pathlib

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

HERE = pathlib.Path(__file__).parent
ISSUER = "https://login.example.com"
FAR = 4102444800  # the year 2100
PAST = 1577836800  # the year 2020


def text(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, length=None):
    return text(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


def part(value):
    return text(json.dumps(value, separators=(",", ":")).encode())


rsa_key = rsa.generate_private_key(65537, 2048)
other_key = rsa.generate_private_key(65537, 2048)
ec_key = ec.generate_private_key(ec.SECP256R1())
ed_key = ed25519.Ed25519PrivateKey.generate()


def sign(algorithm, message, key):
    if algorithm == "RS256":
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    if algorithm == "PS256":
        return key.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    if algorithm == "ES256":
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return key.sign(message)


def token(claims, algorithm="RS256", kid="rsa", key=None):
    header = {"alg": algorithm, "typ": "JWT"}
    if kid:
        header["kid"] = kid
    claims = {"iss": ISSUER, "sub": "ann", "aud": "shop", "exp": FAR} | claims
    claims = {name: value for name, value in claims.items() if value is not None}
    message = f"{part(header)}.{part(claims)}"
    return f"{message}.{text(sign(algorithm, message.encode(), key or rsa_key))}"


public = rsa_key.public_key().public_numbers()
point = ec_key.public_key().public_numbers()
keys = [
    {"kty": "RSA", "kid": "rsa", "n": number(public.n), "e": number(public.e)},
    {"kty": "EC", "kid": "ec", "crv": "P-256", "x": number(point.x, 32), "y": number(point.y, 32)},
    {"kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": text(ed_key.public_key().public_bytes_raw())},
]
(HERE / "jwks.json").write_text(json.dumps({"keys": keys}, indent=1) + "\n")

good = token({"group": "beta"})
header, claims, signature = good.split(".")
tokens = {
    "beta": good,
    "alpha": token({"group": "alpha"}),
    "no_group": token({}),
    "list": token({"groups": ["alpha", "beta"]}),
    "nested": token({"org": {"team": "payments", "roles": ["dev", "ops"]}}),
    "dotted": token({"https://example.com/group": "beta"}),
    "scope": token({"scope": "read write"}),
    "number": token({"level": 7, "staff": True}),
    "audiences": token({"aud": ["warehouse", "shop"], "group": "beta"}),
    "no_audience": token({"aud": None, "group": "beta"}),
    "other_audience": token({"aud": "warehouse", "group": "beta"}),
    "other_issuer": token({"iss": "https://other.example.com", "group": "beta"}),
    "no_issuer": token({"iss": None, "group": "beta"}),
    "expired": token({"exp": PAST, "group": "beta"}),
    "not_yet": token({"nbf": FAR - 60, "group": "beta"}),
    "no_expiry": token({"exp": None, "group": "beta"}),
    "forged": token({"group": "beta"}, key=other_key),
    "changed": f"{header}.{part(json.loads(base64.urlsafe_b64decode(token({'group': 'alpha'}).split('.')[1] + '==')))}.{signature}",
    "no_kid": token({"group": "beta"}, kid=None),
    "unknown_kid": token({"group": "beta"}, kid="elsewhere"),
    "ps256": token({"group": "beta"}, "PS256"),
    "es256": token({"group": "beta"}, "ES256", "ec", ec_key),
    "ed25519": token({"group": "beta"}, "EdDSA", "ed", ed_key),
    "no_algorithm": f"{part({'alg': 'none'})}.{claims}.",
    "two_parts": f"{header}.{claims}",
    "no_json": f"{text(b'no')}.{claims}.{signature}",
    "no_base64": f"{header}.{claims}.a+b",
    "no_claims": f"{header}.{text(b'no')}.{signature}",
    "text_expiry": token({"exp": "soon"}),
    "number_issuer": token({"iss": 7}),
    "number_audience": token({"aud": 7}),
}
(HERE / "tokens.json").write_text(json.dumps(tokens, indent=1) + "\n")
