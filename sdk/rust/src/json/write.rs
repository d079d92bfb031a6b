use std::fmt::Write;

use super::{JsonError, Value, MAX_DEPTH};

impl Value {
    /// The JSON text of the value, on one line. Infinities and NaN can't be
    /// written.
    pub fn encode(&self) -> Result<String, JsonError> {
        let mut text = String::new();
        self.write(&mut text, 0)?;
        Ok(text)
    }

    fn write(&self, to: &mut String, depth: usize) -> Result<(), JsonError> {
        if depth > MAX_DEPTH {
            return Err(JsonError::new(format!("it nests deeper than {MAX_DEPTH}")));
        }
        match self {
            Value::Null => to.push_str("null"),
            Value::Bool(b) => to.push_str(if *b { "true" } else { "false" }),
            Value::Number(n) if !n.is_finite() => {
                return Err(JsonError::new(format!("{n} is no number of JSON")));
            }
            Value::Number(n) => {
                let _ = write!(to, "{n}"); // to a string it always goes
            }
            Value::String(s) => write_string(s, to),
            Value::Array(elements) => {
                to.push('[');
                for (i, v) in elements.iter().enumerate() {
                    separate(i, to);
                    v.write(to, depth + 1).map_err(|e| e.in_element(i))?;
                }
                to.push(']');
            }
            Value::Object(members) => {
                to.push('{');
                for (i, (key, v)) in members.iter().enumerate() {
                    separate(i, to);
                    write_string(key, to);
                    to.push(':');
                    v.write(to, depth + 1).map_err(|e| e.in_field(key))?;
                }
                to.push('}');
            }
        }
        Ok(())
    }
}

fn separate(i: usize, to: &mut String) {
    if i > 0 {
        to.push(',');
    }
}

fn write_string(s: &str, to: &mut String) {
    to.push('"');
    let mut plain = 0; // from here on nothing is written yet
    for (i, b) in s.bytes().enumerate() {
        let escape = match b {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..=0x1f => "",
            _ => continue,
        };
        to.push_str(&s[plain..i]);
        to.push_str(escape);
        if escape.is_empty() {
            let _ = write!(to, "\\u{b:04x}");
        }
        plain = i + 1;
    }
    to.push_str(&s[plain..]);
    to.push('"');
}
