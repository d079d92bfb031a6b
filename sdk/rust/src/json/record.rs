//! What the code that `record!` makes has in common.

use std::collections::BTreeMap;

use super::{Json, JsonError, Value};

/// Takes a member out of an object; none if it is not there.
pub fn field<T: Json>(
    members: &mut BTreeMap<String, Value>,
    key: &str,
) -> Result<Option<T>, JsonError> {
    match members.remove(key) {
        Some(value) => T::from_json(value).map(Some).map_err(|e| e.in_field(key)),
        None => Ok(None),
    }
}

/// What a member is that is not there and has no default.
pub fn missing<T: Json>(key: &str) -> Result<T, JsonError> {
    T::absent().ok_or_else(|| JsonError::new("it is missing").in_field(key))
}

/// What the schema says of a member.
pub struct Field {
    /// Its name in JSON.
    pub key: &'static str,
    /// Its type's schema.
    pub schema: Value,
    /// Its doc comment's lines.
    pub doc: &'static [&'static str],
    /// Whether it must be there.
    pub required: bool,
}

/// The schema of an object.
pub fn object(fields: Vec<Field>) -> Value {
    let (mut properties, mut required) = (Value::object(), Vec::new());
    for mut f in fields {
        let doc = lines(f.doc);
        if !doc.is_empty() {
            f.schema.insert("description", doc);
        }
        if f.required {
            required.push(Value::from(f.key));
        }
        properties.insert(f.key, f.schema);
    }
    let mut schema = Value::object();
    schema.insert("type", "object").insert("properties", properties);
    if !required.is_empty() {
        schema.insert("required", required);
    }
    schema
}

/// The lines of a doc comment as one.
pub(crate) fn lines(doc: &[&str]) -> String {
    doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ").trim().to_string()
}
