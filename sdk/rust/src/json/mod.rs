//! JSON: a value, its text, and what Rust types make of it.

mod convert;
mod error;
mod number;
mod parse;
pub(crate) mod record;
mod value;
mod write;

pub use convert::{Json, Raw};
pub use error::JsonError;
pub use number::Number;
pub use value::Value;

/// How deep values nest at most, in both directions.
const MAX_DEPTH: usize = 1000;
