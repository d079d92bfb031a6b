//! Text of JSON, both ways.

use graflow::{Json, Value};

#[test]
fn round_trips() {
    for text in [
        "null",
        "true",
        "[]",
        "{}",
        "-0",
        "9007199254740993",
        "123456789012345678901234567890",
        "1.10",
        "1e3",
        r#"{"":[1,{"a":"b"}]}"#,
        r#""grüße \"\\ \u0001 👋""#,
    ] {
        assert_eq!(Value::parse(text).unwrap().encode().unwrap(), text);
    }
}

#[test]
fn strings() {
    for (text, want) in [
        (r#""\u0041\/\b\f""#, "A/\u{8}\u{c}"),
        (r#""\ud83d\ude80""#, "🚀"),
        (r#""\ud83d""#, "\u{fffd}"),
        (r#""\ud83d\ud83d\ude80""#, "\u{fffd}🚀"),
        (r#""\ude80x""#, "\u{fffd}x"),
    ] {
        assert_eq!(Value::parse(text).unwrap().as_str(), Some(want), "{text}");
    }
}

#[test]
fn refuses() {
    for text in [
        "",
        " ",
        "nul",
        "01",
        "1.",
        ".5",
        "1e",
        "-",
        "+1",
        "[1,]",
        "[1 2]",
        "{\"a\"}",
        "{a:1}",
        "{\"a\":1,}",
        "\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u+123\"",
        "\"\n\"",
        "1 2",
        "[",
        "NaN",
    ] {
        assert!(Value::parse(text).is_err(), "{text}");
    }
    assert!(Value::parse(&"[".repeat(100_000)).is_err());
    assert!(Value::from(f64::NAN).encode().is_err());
}

#[test]
fn numbers() {
    assert_eq!(Value::from(1.0).encode().unwrap(), "1.0");
    assert_eq!(u64::decode("18446744073709551615").unwrap(), u64::MAX);
    assert_eq!(u64::MAX.encode().unwrap(), "18446744073709551615");
    assert_eq!(i64::decode("-9223372036854775808").unwrap(), i64::MIN);
    assert_eq!(i64::decode("1e3").unwrap(), 1000);
    assert!(i64::decode("1.5").is_err());
    assert!(u8::decode("-1").is_err());
    assert!(f64::decode("1e999").is_err());
    assert_eq!(f64::decode("2").unwrap(), 2.0);
}
