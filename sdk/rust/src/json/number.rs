use std::fmt;

/// A number as JSON has it: of any size, and written again as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Number(Form);

#[derive(Clone, Debug, PartialEq)]
enum Form {
    Int(i64),
    Float(f64),
    Text(Box<str>), // what an i64 does not say exactly as it was written
}

impl Number {
    /// The number that a literal of JSON's grammar writes.
    pub(super) fn from_literal(literal: &str) -> Number {
        match literal.parse::<i64>() {
            Ok(n) if literal != "-0" => Number(Form::Int(n)),
            _ => Number(Form::Text(literal.into())),
        }
    }

    /// The number, if it is an integer that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Form::Int(n) => Some(*n),
            // Both 2.0 and 1e3 are integers, too.
            _ => self.as_f64().and_then(whole),
        }
    }

    /// The number, rounded to the nearest; none if it is too large for it.
    pub fn as_f64(&self) -> Option<f64> {
        match &self.0 {
            Form::Int(n) => Some(*n as f64),
            Form::Float(x) => Some(*x),
            Form::Text(text) => text.parse().ok().filter(|x: &f64| x.is_finite()),
        }
    }

    /// Whether JSON can write it.
    pub(super) fn is_finite(&self) -> bool {
        !matches!(self.0, Form::Float(x) if !x.is_finite())
    }

    /// The number, if it is an integer that fits.
    pub(super) fn as_u64(&self) -> Option<u64> {
        let text = match &self.0 {
            Form::Text(text) => text.parse().ok(),
            _ => None,
        };
        text.or_else(|| self.as_i64().and_then(|n| n.try_into().ok()))
    }
}

/// The integer that x is, where doubles are exact.
fn whole(x: f64) -> Option<i64> {
    const EXACT: f64 = (1i64 << 53) as f64;
    (x.fract() == 0.0 && x.abs() <= EXACT).then_some(x as i64)
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Int(n) => write!(f, "{n}"),
            Form::Float(x) => write!(f, "{x:?}"), // 1.0 stays a float, 1e300 short
            Form::Text(text) => f.write_str(text),
        }
    }
}

impl From<i64> for Number {
    fn from(n: i64) -> Number {
        Number(Form::Int(n))
    }
}

impl From<u64> for Number {
    fn from(n: u64) -> Number {
        match i64::try_from(n) {
            Ok(n) => Number(Form::Int(n)),
            Err(_) => Number(Form::Text(n.to_string().into())),
        }
    }
}

/// Infinities and NaN can't be encoded.
impl From<f64> for Number {
    fn from(x: f64) -> Number {
        Number(Form::Float(x))
    }
}
