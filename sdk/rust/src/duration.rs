//! Durations as text, the way that the engine writes them: `"1h30m"`, `"1.5s"`.

use std::time::Duration;

use crate::{Json, JsonError, Value};

/// Units and how many nanoseconds they have, longer names first.
const UNITS: [(&str, f64); 7] =
    [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9)];

fn parse(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let (mut rest, mut nanos) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let (unit, size) = UNITS.iter().find(|(unit, _)| rest.starts_with(unit))?;
        nanos += number * size;
        rest = &rest[unit.len()..];
    }
    (!text.is_empty() && nanos < i64::MAX as f64).then(|| Duration::from_nanos(nanos as u64))
}

/// In JSON a duration is text: `"90s"`, `"1h30m"`, `"1.5s"`. Negative ones are
/// refused.
impl Json for Duration {
    fn from_json(value: Value) -> Result<Self, JsonError> {
        let text = String::from_json(value)?;
        parse(&text).ok_or_else(|| JsonError::new(format!("{text:?} is no duration, as 1.5s is")))
    }

    fn to_json(&self) -> Value {
        format!("{}ns", self.as_nanos()).into()
    }

    fn schema() -> Value {
        String::schema()
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use std::time::Duration;

    #[test]
    fn parses() {
        for (text, millis) in
            [("10s", 10_000), ("1.5s", 1500), ("1h30m", 5_400_000), ("300ms", 300), ("0", 0)]
        {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "5", "s", "-1s", "1x", "1.2.3s"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
