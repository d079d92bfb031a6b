use crate::{export, record, sys, Channel, Error, Json, JsonError, Result};

record! {
    /// What an attempt is part of.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Meta {
        /// the id of the run
        pub run: String,
        /// the id of the task in the flow, which need not be its export's name
        pub task: String,
        /// the id of this visit of the task
        pub activation: String,
        /// counts the attempts of this activation, from 1
        pub attempt: i64,
        /// 1 and the retries
        pub max_attempts: i64,
        /// counts the visits of this task in the run, from 1
        pub cycle: i64,
        /// 0 is no limit
        pub max_cycles: i64,
        /// whether another cycle of this task is allowed
        pub can_iterate: bool,
    }
}

/// How much a line of the log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// For whoever looks for a fault.
    Debug = -4,
    /// What happens.
    Info = 0,
    /// What may be a fault.
    Warn = 4,
    /// What is one.
    Error = 8,
}

/// One attempt of a task: what it is part of, and its way to the host. Where a
/// grant is missing, its methods fail with [`Code::Denied`](crate::Code::Denied).
#[derive(Debug)]
pub struct Context {
    // Nobody but the crate makes one.
    _private: (),
}

impl Context {
    pub(crate) fn new() -> Context {
        Context { _private: () }
    }

    /// What the attempt is part of.
    pub fn meta(&self) -> Result<Meta> {
        let answer = sys::meta().map_err(|code| Error::of_code("meta".to_string(), code))?;
        Ok(Meta::decode(&export::text(answer)?)?)
    }

    /// The channel of the run.
    pub fn channel(&self) -> Channel {
        Channel::new()
    }

    /// Writes a line to the attempt's log.
    pub fn log(&self, level: Level, line: &str) {
        sys::log(level as i32, line);
    }

    /// Writes a line at level debug.
    pub fn debug(&self, line: &str) {
        self.log(Level::Debug, line);
    }

    /// Writes a line at level info.
    pub fn info(&self, line: &str) {
        self.log(Level::Info, line);
    }

    /// Writes a line at level warn.
    pub fn warn(&self, line: &str) {
        self.log(Level::Warn, line);
    }

    /// Writes a line at level error.
    pub fn error(&self, line: &str) {
        self.log(Level::Error, line);
    }

    /// Tells whoever watches that `done` of `total` is done; total 0 is unknown.
    pub fn progress(&self, done: f64, total: f64, note: &str) {
        sys::progress(done, total, note);
    }

    /// The result of a task; [`Code::NotFound`](crate::Code::NotFound) without
    /// one.
    pub fn result<T: Json>(&self, id: &str) -> Result<T> {
        let doing = || format!("result of task {id:?}");
        let answer = sys::result_get(id).map_err(|code| Error::of_code(doing(), code))?;
        decoded(&answer, doing)
    }
}

/// Decodes an answer of the host.
pub(crate) fn decoded<T: Json>(answer: &[u8], doing: impl Fn() -> String) -> Result<T> {
    let text = std::str::from_utf8(answer).map_err(|e| Error::from(e).context(&doing()))?;
    T::decode(text).map_err(|e: JsonError| Error::from(e).context(&doing()))
}
