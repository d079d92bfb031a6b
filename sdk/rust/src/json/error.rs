use std::fmt;

/// Why text is not JSON, or a value not of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    path: String, // as in "items[3].name"; "" is the whole value
    message: String,
}

impl JsonError {
    /// An error about the whole value.
    pub fn new(message: impl Into<String>) -> JsonError {
        JsonError { path: String::new(), message: message.into() }
    }

    /// The same error, of the member of a name.
    pub fn in_field(mut self, name: &str) -> JsonError {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{name}{dot}{}", self.path);
        self
    }

    /// The same error, of an element.
    pub fn in_element(mut self, index: usize) -> JsonError {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("[{index}]{dot}{}", self.path);
        self
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "field {:?}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for JsonError {}
