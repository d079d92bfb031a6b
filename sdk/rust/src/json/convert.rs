use std::collections::BTreeMap;

use super::{JsonError, Number, Value};

/// What has a form in JSON. [`record!`](crate::record) implements it for structs.
pub trait Json: Sized {
    /// The value as this type. Errors name what was there and what was wanted.
    fn from_json(value: Value) -> Result<Self, JsonError>;

    /// The value in JSON.
    fn to_json(&self) -> Value;

    /// The JSON Schema of the type; `{}` is anything.
    fn schema() -> Value {
        Value::object()
    }

    /// What a member is that is missing; none if it must be there.
    fn absent() -> Option<Self> {
        None
    }

    /// The type from the text of JSON.
    fn decode(text: &str) -> Result<Self, JsonError> {
        Self::from_json(Value::parse(text)?)
    }

    /// The text of the value in JSON.
    fn encode(&self) -> Result<String, JsonError> {
        self.to_json().encode()
    }
}

impl Json for Value {
    fn from_json(value: Value) -> Result<Self, JsonError> {
        Ok(value)
    }

    fn to_json(&self) -> Value {
        self.clone()
    }

    fn absent() -> Option<Self> {
        Some(Value::Null)
    }

    fn encode(&self) -> Result<String, JsonError> {
        Value::encode(self)
    }
}

/// The text of a value in JSON, which the task neither takes apart nor puts
/// together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw(pub String);

impl Json for Raw {
    fn from_json(value: Value) -> Result<Self, JsonError> {
        value.encode().map(Raw)
    }

    /// Null, if the text is not JSON; encode takes it as it is.
    fn to_json(&self) -> Value {
        Value::parse(&self.0).unwrap_or_default()
    }

    fn decode(text: &str) -> Result<Self, JsonError> {
        Ok(Raw(text.to_string()))
    }

    fn encode(&self) -> Result<String, JsonError> {
        Ok(self.0.clone())
    }
}

fn of_type(name: &str) -> Value {
    let mut schema = Value::object();
    schema.insert("type", name);
    schema
}

/// No value at all: null.
impl Json for () {
    fn from_json(_: Value) -> Result<Self, JsonError> {
        Ok(())
    }

    fn to_json(&self) -> Value {
        Value::Null
    }
}

impl Json for bool {
    fn from_json(value: Value) -> Result<Self, JsonError> {
        value.as_bool().ok_or_else(|| value.is_not("bool"))
    }

    fn to_json(&self) -> Value {
        (*self).into()
    }

    fn schema() -> Value {
        of_type("boolean")
    }
}

impl Json for String {
    fn from_json(value: Value) -> Result<Self, JsonError> {
        match value {
            Value::String(s) => Ok(s),
            other => Err(other.is_not("string")),
        }
    }

    fn to_json(&self) -> Value {
        self.clone().into()
    }

    fn schema() -> Value {
        of_type("string")
    }
}

impl Json for f64 {
    fn from_json(value: Value) -> Result<Self, JsonError> {
        value.as_f64().ok_or_else(|| value.is_not("number"))
    }

    fn to_json(&self) -> Value {
        (*self).into()
    }

    fn schema() -> Value {
        of_type("number")
    }
}

macro_rules! integers {
    ($($type:ty, $number:ident;)*) => {
        $(impl Json for $type {
            fn from_json(value: Value) -> Result<Self, JsonError> {
                let n = match &value {
                    Value::Number(n) => n.$number().and_then(|n| n.try_into().ok()),
                    _ => None,
                };
                n.ok_or_else(|| value.is_not(concat!("an integer, ", stringify!($type))))
            }

            fn to_json(&self) -> Value {
                Value::Number(Number::from(*self as wider!($number)))
            }

            fn schema() -> Value {
                let mut schema = of_type("integer");
                if <$type>::MIN == 0 {
                    schema.insert("minimum", 0);
                }
                schema
            }
        })*
    };
}

macro_rules! wider {
    (as_i64) => {
        i64
    };
    (as_u64) => {
        u64
    };
}

integers! {
    i8, as_i64;
    i16, as_i64;
    i32, as_i64;
    i64, as_i64;
    isize, as_i64;
    u8, as_u64;
    u16, as_u64;
    u32, as_u64;
    u64, as_u64;
    usize, as_u64;
}

/// None is null, or a member that is not there.
impl<T: Json> Json for Option<T> {
    fn from_json(value: Value) -> Result<Self, JsonError> {
        match value {
            Value::Null => Ok(None),
            value => T::from_json(value).map(Some),
        }
    }

    fn to_json(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_json)
    }

    fn schema() -> Value {
        let mut schema = T::schema();
        if let Some(name) = schema.get("type").and_then(Value::as_str).map(Value::from) {
            schema.insert("type", vec![name, "null".into()]);
        }
        schema
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Json> Json for Box<T> {
    fn from_json(value: Value) -> Result<Self, JsonError> {
        T::from_json(value).map(Box::new)
    }

    fn to_json(&self) -> Value {
        T::to_json(self)
    }
}

impl<T: Json> Json for Vec<T> {
    fn from_json(value: Value) -> Result<Self, JsonError> {
        match value {
            Value::Array(elements) => elements
                .into_iter()
                .enumerate()
                .map(|(i, v)| T::from_json(v).map_err(|e| e.in_element(i)))
                .collect(),
            other => Err(other.is_not("array")),
        }
    }

    fn to_json(&self) -> Value {
        Value::Array(self.iter().map(T::to_json).collect())
    }

    fn schema() -> Value {
        let mut schema = of_type("array");
        schema.insert("items", T::schema());
        schema
    }
}

impl<T: Json> Json for BTreeMap<String, T> {
    fn from_json(value: Value) -> Result<Self, JsonError> {
        value
            .into_object()?
            .into_iter()
            .map(|(key, v)| match T::from_json(v) {
                Ok(v) => Ok((key, v)),
                Err(e) => Err(e.in_field(&key)),
            })
            .collect()
    }

    fn to_json(&self) -> Value {
        Value::Object(self.iter().map(|(key, v)| (key.clone(), v.to_json())).collect())
    }

    fn schema() -> Value {
        let mut schema = of_type("object");
        schema.insert("additionalProperties", T::schema());
        schema
    }
}
