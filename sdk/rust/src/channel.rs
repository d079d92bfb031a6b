use crate::context::decoded;
use crate::{sys, Code, Error, Json, Result};

/// The run's shared state: JSON values under string keys.
#[derive(Debug)]
pub struct Channel {
    _private: (),
}

impl Channel {
    pub(crate) fn new() -> Channel {
        Channel { _private: () }
    }

    /// The value of a key, if there is one.
    pub fn get<T: Json>(&self, key: &str) -> Result<Option<T>> {
        match sys::channel_get(key) {
            Err(Code::NotFound) => Ok(None),
            Err(code) => Err(failed("get", key, code)),
            Ok(answer) => decoded(&answer, || format!("get channel key {key:?}")).map(Some),
        }
    }

    /// Sets a key.
    pub fn set<T: Json>(&self, key: &str, value: &T) -> Result<()> {
        sys::channel_set(key, &value.encode()?).map_err(|code| failed("set", key, code))
    }

    /// Removes a key, which need not exist.
    pub fn delete(&self, key: &str) -> Result<()> {
        sys::channel_delete(key).map_err(|code| failed("delete", key, code))
    }

    /// Adds a value, as one element, to the end of the list at a key. A missing
    /// key is an empty list; one that holds anything else fails with
    /// [`Code::Invalid`].
    pub fn append<T: Json>(&self, key: &str, value: &T) -> Result<()> {
        sys::channel_append(key, &value.encode()?).map_err(|code| failed("append to", key, code))
    }

    /// The same at the front.
    pub fn prepend<T: Json>(&self, key: &str, value: &T) -> Result<()> {
        sys::channel_prepend(key, &value.encode()?).map_err(|code| failed("prepend to", key, code))
    }

    /// Adds to the number at a key. A missing key counts as 0; one that holds
    /// anything else fails with [`Code::Invalid`].
    pub fn add(&self, key: &str, n: f64) -> Result<()> {
        sys::channel_add(key, &n.encode()?).map_err(|code| failed("add to", key, code))
    }

    /// The keys that start with a prefix, sorted.
    pub fn keys(&self, prefix: &str) -> Result<Vec<String>> {
        let answer = sys::channel_keys(prefix)
            .map_err(|code| Error::of_code(format!("list channel keys {prefix:?}"), code))?;
        decoded(&answer, || format!("list channel keys {prefix:?}"))
    }
}

fn failed(deed: &str, key: &str, code: Code) -> Error {
    Error::of_code(format!("{deed} channel key {key:?}"), code)
}
