

def pbkdf2_hmac(hash_name, password, salt, iterations, dklen=None):
    """PKCS #5's PBKDF2 with HMAC. There is no OpenSSL here that would have it."""
    if not isinstance(hash_name, str):
        raise TypeError("expected a string for hash_name")
    if iterations < 1:
        raise ValueError("iteration value must be greater than 0.")
    inner, outer = new(hash_name), new(hash_name)
    if dklen is None:
        dklen = inner.digest_size
    if dklen < 1:
        raise ValueError("key length must be greater than 0.")
    block = getattr(inner, "block_size", 64)
    key = bytes(password)
    if len(key) > block:
        key = new(hash_name, key).digest()
    key = key.ljust(block, b"\0")
    inner.update(bytes(byte ^ 0x36 for byte in key))
    outer.update(bytes(byte ^ 0x5C for byte in key))

    def hmac(message):
        first, second = inner.copy(), outer.copy()
        first.update(message)
        second.update(first.digest())
        return second.digest()

    salt, derived, count = bytes(salt), b"", 0
    while len(derived) < dklen:
        count += 1
        last = hmac(salt + count.to_bytes(4))
        total = int.from_bytes(last)
        for _ in range(iterations - 1):
            last = hmac(last)
            total ^= int.from_bytes(last)
        derived += total.to_bytes(inner.digest_size)
    return derived[:dklen]


__all__ += ("pbkdf2_hmac",)
