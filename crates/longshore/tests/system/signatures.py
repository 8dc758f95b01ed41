"""Signs standard input as the presets are documented, with nothing of Longshore's own.

Arguments: preset, secret, how many seconds ago. Prints the timestamp and the signature.
"""

import base64
import hashlib
import hmac
import sys
import time

preset, secret, age = sys.argv[1], sys.argv[2].encode(), int(sys.argv[3])
body = sys.stdin.buffer.read()
timestamp = str(int(time.time()) - age)
if preset == "port-v1":
    signed = timestamp.encode() + b"." + body
    digest = hmac.new(secret, signed, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(digest).decode()
else:
    signature = hmac.new(secret, body, hashlib.sha1).hexdigest()
print(timestamp)
print(signature)
