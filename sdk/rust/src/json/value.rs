use std::collections::BTreeMap;

use super::{JsonError, Number};

/// Any JSON value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// null
    #[default]
    Null,
    /// true or false
    Bool(bool),
    /// A number, of any size
    Number(Number),
    /// A string
    String(String),
    /// An array
    Array(Vec<Value>),
    /// An object; of a key that is there twice, the last value counts
    Object(BTreeMap<String, Value>),
}

impl Value {
    /// An empty object.
    pub fn object() -> Value {
        Value::Object(BTreeMap::new())
    }

    /// The member of an object, if it is one and has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Object(members) => members.get(key),
            _ => None,
        }
    }

    /// Sets a member; what is no object becomes one.
    pub fn insert(&mut self, key: &str, value: impl Into<Value>) -> &mut Value {
        if !matches!(self, Value::Object(_)) {
            *self = Value::object();
        }
        if let Value::Object(members) = self {
            members.insert(key.to_string(), value.into());
        }
        self
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        *self == Value::Null
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// The number, if it is an integer that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Number(n) => n.as_i64(),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Number(n) => n.as_f64(),
            _ => None,
        }
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(s) => Some(s),
            _ => None,
        }
    }

    /// The elements, if it is an array.
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// The members, if it is an object.
    pub fn as_object(&self) -> Option<&BTreeMap<String, Value>> {
        match self {
            Value::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The members, or an error if it is no object.
    pub fn into_object(self) -> Result<BTreeMap<String, Value>, JsonError> {
        match self {
            Value::Object(members) => Ok(members),
            other => Err(other.is_not("object")),
        }
    }

    /// The error of a value that was to be something else.
    pub fn is_not(&self, wanted: &str) -> JsonError {
        let got = match self {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        JsonError::new(format!("got {got}, want {wanted}"))
    }
}

macro_rules! from {
    ($($type:ty => |$v:ident| $value:expr;)*) => {
        $(impl From<$type> for Value {
            fn from($v: $type) -> Value {
                $value
            }
        })*
    };
}

from! {
    bool => |b| Value::Bool(b);
    i32 => |n| Value::Number(i64::from(n).into());
    i64 => |n| Value::Number(n.into());
    u32 => |n| Value::Number(i64::from(n).into());
    u64 => |n| Value::Number(n.into());
    f64 => |x| Value::Number(x.into());
    &str => |s| Value::String(s.to_string());
    String => |s| Value::String(s);
    Vec<Value> => |elements| Value::Array(elements);
    BTreeMap<String, Value> => |members| Value::Object(members);
}
