from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone


@dataclass(frozen=True)
class Leg:
    origin: str
    destination: str
    departs: datetime
    arrives: datetime

    @property
    def duration(self) -> timedelta:
        return self.arrives - self.departs


def tz(hours: float) -> timezone:
    """Create a fixed-offset timezone."""
    return timezone(timedelta(hours=hours))


def format_duration(delta: timedelta) -> str:
    minutes = int(delta.total_seconds() // 60)
    return f"{minutes // 60}h{minutes % 60:02d}m"


def business_days(start: date, end: date) -> int:
    """Count the weekdays from start to end, both included."""
    days = (end - start).days + 1
    return sum((start + timedelta(days=i)).weekday() < 5 for i in range(days))


legs = [
    Leg(
        item["from"],
        item["to"],
        datetime.fromisoformat(item["departs"]),
        datetime.fromisoformat(item["arrives"]),
    )
    for item in input["legs"]
]

for leg in legs:
    print(f"{leg.origin} -> {leg.destination}: {format_duration(leg.duration)} "
          f"(lands {leg.arrives:%a %d %b %H:%M %z})")

layovers = [later.departs - earlier.arrives for earlier, later in zip(legs, legs[1:])]
total = legs[-1].arrives - legs[0].departs
back = legs[-1].arrives.astimezone(tz(5.5)) + timedelta(days=10)

result = {
    "layovers": [format_duration(d) for d in layovers],
    "total": format_duration(total),
    "first_departure_utc": legs[0].departs.astimezone(timezone.utc),
    "back_in_india": back,
    "local_day": back.date(),
    "days_away": business_days(legs[0].departs.date(), back.date()),
    "leap": [y for y in range(2023, 2033) if date(y, 12, 31).timetuple().tm_yday == 366],
}
