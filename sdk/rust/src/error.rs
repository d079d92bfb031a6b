use std::any::Any;
use std::fmt;
use std::time::Duration;

/// What a task returns, and whatever asks the host for something.
pub type Result<T> = std::result::Result<T, Error>;

/// A negative answer of a host function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// No such key, result, secret or tool.
    NotFound,
    /// The grant is missing.
    Denied,
    /// Not JSON, or a value of the wrong type.
    Invalid,
    /// A limit of the attempt is reached.
    TooLarge,
    /// The host does not offer this call.
    Unavailable,
    /// The server asked for did not answer properly.
    Unreachable,
}

impl Code {
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn from_number(n: i64) -> Code {
        match n {
            -1 => Code::NotFound,
            -2 => Code::Denied,
            -3 => Code::Invalid,
            -4 => Code::TooLarge,
            -6 => Code::Unreachable,
            _ => Code::Unavailable,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Code::NotFound => "not found",
            Code::Denied => "denied: the grant is missing",
            Code::Invalid => "invalid argument",
            Code::TooLarge => "a limit of this attempt is reached",
            Code::Unavailable => "the host does not offer this call",
            Code::Unreachable => "the server did not answer properly",
        })
    }
}

impl std::error::Error for Code {}

/// A failure with what the engine needs to know of it. Every
/// [`std::error::Error`] becomes one of kind `error` by `?`.
#[derive(Clone, Debug, PartialEq)]
pub struct Error {
    kind: String,
    message: String,
    permanent: bool,
    retry_after: Duration,
    code: Option<Code>,
}

impl Error {
    /// A failure of a kind, for `retry.on` and `except` of flows. See [`fail!`]
    /// for a message with arguments.
    ///
    /// [`fail!`]: crate::fail
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Error {
        Error {
            kind: kind.into(),
            message: message.into(),
            permanent: false,
            retry_after: Duration::ZERO,
            code: None,
        }
    }

    /// The same failure, but the engine does not retry the task.
    pub fn permanent(mut self) -> Error {
        self.permanent = true;
        self
    }

    /// The same failure, but the next attempt starts no sooner than in `wait`,
    /// in milliseconds rounded up.
    pub fn retry_after(mut self, wait: Duration) -> Error {
        self.retry_after = wait;
        self
    }

    /// The same failure, with what was being done before its message.
    pub fn context(mut self, doing: &str) -> Error {
        self.message = format!("{doing}: {}", self.message);
        self
    }

    /// The kind; `error` if none was given.
    pub fn kind(&self) -> &str {
        if self.kind.is_empty() {
            "error"
        } else {
            &self.kind
        }
    }

    /// What went wrong, for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The host's answer that this came of, if it did.
    pub fn code(&self) -> Option<Code> {
        self.code
    }

    /// The failure as the host's `fail` wants it.
    pub(crate) fn flags(&self) -> i64 {
        let millis = (self.retry_after.as_nanos() + 999_999) / 1_000_000;
        let millis = i64::try_from(millis).unwrap_or(i64::MAX).min(i64::MAX >> 1);
        millis << 1 | i64::from(self.permanent)
    }

    pub(crate) fn of_code(doing: String, code: Code) -> Error {
        let mut e = Error::from(code);
        e.message = format!("{doing}: {code}");
        e
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl<E: std::error::Error + 'static> From<E> for Error {
    fn from(err: E) -> Error {
        let code = (&err as &dyn Any).downcast_ref::<Code>().copied();
        let mut e = Error::new("", err.to_string());
        e.code = code;
        if code == Some(Code::Denied) {
            e.kind = "denied".to_string();
            e.permanent = true;
        }
        e
    }
}

/// Makes an [`Error`]: `fail!("empty", "no text in {name}")`.
#[macro_export]
macro_rules! fail {
    ($kind:expr, $($message:tt)+) => {
        $crate::Error::new($kind, format!($($message)+))
    };
}
