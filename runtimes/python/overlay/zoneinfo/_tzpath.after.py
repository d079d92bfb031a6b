def available_timezones():
    """Returns a set containing all available time zones."""
    from graflow._zones import ZONES

    return set(ZONES)
