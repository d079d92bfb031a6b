# The time zones are inside of the module.
def load_tzdata(key):
    from io import BytesIO

    from graflow._zones import ZONES

    if key not in ZONES:
        raise ZoneInfoNotFoundError(f"No time zone found with key {key}")
    return BytesIO(ZONES[key])
