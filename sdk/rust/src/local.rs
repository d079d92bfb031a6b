use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::time::Duration;

use crate::{export, Context, Error, Json, Level, Meta, Result, ToolError, Value};

/// A host in memory, for tests: what a task finds, and, after a call, what it
/// asked for.
///
/// ```
/// use graflow::{Context, Local, Result};
///
/// fn count(ctx: &Context, words: Vec<String>) -> Result<usize> {
///     ctx.channel().add("words", words.len() as f64)?;
///     Ok(words.len())
/// }
///
/// let mut host = Local::new();
/// host.channel.insert("words".to_string(), 10.into());
/// assert_eq!(host.call(count, vec!["a".to_string()]).unwrap(), 1);
/// assert_eq!(host.channel["words"], 11.into());
/// ```
#[derive(Default)]
pub struct Local {
    /// What [`Context::meta`] answers.
    pub meta: Meta,
    /// Results of tasks, by id.
    pub results: BTreeMap<String, Value>,
    /// The run's shared state. A failed task leaves its writes there, too.
    pub channel: BTreeMap<String, Value>,
    /// Answers to pauses, by name.
    pub answers: BTreeMap<String, Value>,
    /// Secrets, by name.
    pub secrets: BTreeMap<String, String>,
    /// Answers requests, documents both, as docs/abi.md has them.
    pub http: Option<fn(&Value) -> Value>,
    /// Tools, by name.
    pub tools: BTreeMap<String, Tool>,
    /// What the last call asked for.
    pub effects: Effects,
    input: String,
    output: String,
}

type Tool = fn(&Value) -> std::result::Result<Value, ToolError>;

/// What a task told and asked for.
#[derive(Debug, Default)]
pub struct Effects {
    /// Lines of its log, by level.
    pub log: Vec<(i32, String)>,
    /// Done, total and the note.
    pub progress: Vec<(f64, f64, String)>,
    /// Tasks to run next.
    pub next: Vec<Value>,
    /// The input of another iteration; null leaves it to the engine.
    pub iteration: Option<Value>,
    /// Why the run is to end with success.
    pub terminated: Option<String>,
    /// Why the run is to be canceled.
    pub canceled: Option<String>,
    /// Names, "" without one, and metadata of checkpoints.
    pub checkpoints: Vec<(String, Value)>,
    /// The pause that had no answer, and ended the attempt.
    pub paused: Option<Value>,
    /// How the task failed.
    pub failure: Option<Failure>,
}

/// A failure as the host is told of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Its kind.
    pub kind: String,
    /// What went wrong.
    pub message: String,
    /// Whether retrying is of no use.
    pub permanent: bool,
    /// How long to wait before the next attempt.
    pub retry_after: Duration,
}

thread_local! {
    /// The host of the call that this thread is in.
    static CURRENT: RefCell<Local> = RefCell::new(Local::default());
}

/// What a pause without an answer ends the attempt by.
struct Paused;

impl Local {
    /// An empty host.
    pub fn new() -> Local {
        Local::default()
    }

    /// Runs a task once, with its input and result through JSON, as every host
    /// does. A pause without an answer fails it with kind `paused`.
    pub fn call<In: Json, Out: Json>(
        &mut self,
        task: impl Fn(&Context, In) -> Result<Out>,
        input: In,
    ) -> Result<Out> {
        self.effects = Effects::default();
        self.output.clear();
        self.input = input.encode()?;
        CURRENT.with(|current| std::mem::swap(self, &mut current.borrow_mut()));
        let done = catch_unwind(AssertUnwindSafe(|| {
            let done = export::attempt(task);
            export::told(done.clone());
            done
        }));
        CURRENT.with(|current| std::mem::swap(self, &mut current.borrow_mut()));
        match done {
            Ok(done) => done?,
            Err(payload) if payload.is::<Paused>() => {
                return Err(Error::new("paused", "the task waits for an answer"));
            }
            Err(payload) => resume_unwind(payload),
        }
        Ok(Out::decode(&self.output)?)
    }

    /// The lines of the last call's log, from a level on.
    pub fn logged(&self, least: Level) -> Vec<&str> {
        let lines = self.effects.log.iter();
        lines.filter(|(level, _)| *level >= least as i32).map(|(_, line)| line.as_str()).collect()
    }
}

/// The functions of graflow_v1 on the current host.
pub(crate) mod host {
    use super::*;
    use crate::Code;

    type Bytes = std::result::Result<Vec<u8>, Code>;
    type Done = std::result::Result<(), Code>;

    fn with<T>(work: impl FnOnce(&mut Local) -> T) -> T {
        CURRENT.with(|current| work(&mut current.borrow_mut()))
    }

    fn parsed(text: &str) -> std::result::Result<Value, Code> {
        Value::parse(text).map_err(|_| Code::Invalid)
    }

    fn bytes(value: &Value) -> Bytes {
        value.encode().map(String::into_bytes).map_err(|_| Code::Invalid)
    }

    fn found(value: Option<&Value>) -> Bytes {
        value.map_or(Err(Code::NotFound), bytes)
    }

    pub(crate) fn initialize() {}

    pub(crate) fn input() -> Bytes {
        Ok(with(|h| h.input.clone().into_bytes()))
    }

    pub(crate) fn output(text: &str) -> Done {
        with(|h| h.output.push_str(text));
        Ok(())
    }

    pub(crate) fn fail(kind: &str, message: &str, flags: i64) {
        let failure = Failure {
            kind: kind.to_string(),
            message: message.to_string(),
            permanent: flags & 1 == 1,
            retry_after: Duration::from_millis((flags >> 1) as u64),
        };
        with(|h| h.effects.failure = Some(failure));
    }

    pub(crate) fn log(level: i32, line: &str) {
        with(|h| h.effects.log.push((level, line.to_string())));
    }

    pub(crate) fn progress(done: f64, total: f64, note: &str) {
        with(|h| h.effects.progress.push((done, total, note.to_string())));
    }

    pub(crate) fn meta() -> Bytes {
        with(|h| bytes(&h.meta.to_json()))
    }

    pub(crate) fn result_get(id: &str) -> Bytes {
        with(|h| found(h.results.get(id)))
    }

    pub(crate) fn channel_get(key: &str) -> Bytes {
        with(|h| found(h.channel.get(key)))
    }

    pub(crate) fn channel_set(key: &str, value: &str) -> Done {
        let value = parsed(value)?;
        with(|h| h.channel.insert(key.to_string(), value));
        Ok(())
    }

    pub(crate) fn channel_delete(key: &str) -> Done {
        with(|h| h.channel.remove(key));
        Ok(())
    }

    pub(crate) fn channel_append(key: &str, value: &str) -> Done {
        insert(key, value, |list| list.len())
    }

    pub(crate) fn channel_prepend(key: &str, value: &str) -> Done {
        insert(key, value, |_| 0)
    }

    fn insert(key: &str, value: &str, at: fn(&[Value]) -> usize) -> Done {
        let value = parsed(value)?;
        with(|h| {
            let list = h.channel.entry(key.to_string()).or_insert_with(|| Value::Array(vec![]));
            match list {
                Value::Array(list) => list.insert(at(list), value),
                _ => return Err(Code::Invalid),
            }
            Ok(())
        })
    }

    pub(crate) fn channel_add(key: &str, value: &str) -> Done {
        let n = parsed(value)?.as_f64().ok_or(Code::Invalid)?;
        with(|h| {
            let sum = match h.channel.get(key) {
                None => n,
                Some(old) => old.as_f64().ok_or(Code::Invalid)? + n,
            };
            // What is whole is written without a point, as by every host.
            let whole = Value::from(sum).as_i64();
            h.channel.insert(key.to_string(), whole.map_or(sum.into(), Value::from));
            Ok(())
        })
    }

    pub(crate) fn channel_keys(prefix: &str) -> Bytes {
        with(|h| {
            let keys = h.channel.keys().filter(|key| key.starts_with(prefix));
            bytes(&Value::Array(keys.map(|key| key.as_str().into()).collect()))
        })
    }

    pub(crate) fn next_task(next: &str) -> Done {
        let next = parsed(next)?;
        if next.get("id").and_then(Value::as_str).unwrap_or("").is_empty() {
            return Err(Code::Invalid);
        }
        with(|h| h.effects.next.push(next));
        Ok(())
    }

    pub(crate) fn next_iteration(data: &str) -> Done {
        let data = if data.is_empty() { Value::Null } else { parsed(data)? };
        with(|h| h.effects.iteration = Some(data));
        Ok(())
    }

    pub(crate) fn terminate(message: &str) -> Done {
        with(|h| h.effects.terminated = Some(message.to_string()));
        Ok(())
    }

    pub(crate) fn cancel(message: &str) -> Done {
        with(|h| h.effects.canceled = Some(message.to_string()));
        Ok(())
    }

    pub(crate) fn checkpoint(meta: &str) -> Done {
        point("", meta)
    }

    pub(crate) fn checkpoint_as(name: &str, meta: &str) -> Done {
        if name.is_empty() {
            return Err(Code::Invalid);
        }
        point(name, meta)
    }

    fn point(name: &str, meta: &str) -> Done {
        let meta = if meta.is_empty() { Value::Null } else { parsed(meta)? };
        with(|h| h.effects.checkpoints.push((name.to_string(), meta)));
        Ok(())
    }

    pub(crate) fn pause(pause: &str) -> Bytes {
        let pause = parsed(pause)?;
        let name = pause.get("name").and_then(Value::as_str).unwrap_or("").to_string();
        if name.is_empty() {
            return Err(Code::Invalid);
        }
        if let Some(answer) = with(|h| h.answers.get(&name).cloned()) {
            return bytes(&answer);
        }
        with(|h| h.effects.paused = Some(pause));
        resume_unwind(Box::new(Paused)) // as every host does, and no panic that is shown
    }

    pub(crate) fn secret_get(name: &str) -> Bytes {
        with(|h| h.secrets.get(name).cloned()).map(String::into_bytes).ok_or(Code::NotFound)
    }

    pub(crate) fn http_request(request: &str) -> Bytes {
        let answer = with(|h| h.http).ok_or(Code::Denied)?;
        bytes(&answer(&parsed(request)?))
    }

    fn called(name: &str, args: &Value) -> std::result::Result<Value, ToolError> {
        let tool = with(|h| h.tools.get(name).copied());
        let missing = ToolError { kind: "not_found".to_string(), message: name.to_string() };
        tool.ok_or(missing)?(args)
    }

    pub(crate) fn tool_call(name: &str, args: &str) -> Bytes {
        match called(name, &parsed(args)?) {
            Ok(value) => bytes(&value),
            Err(e) if e.kind == "not_found" => Err(Code::NotFound),
            Err(_) => Err(Code::Unreachable),
        }
    }

    pub(crate) fn tool_calls(calls: &str) -> Bytes {
        let calls = parsed(calls)?;
        let answer = |call: &Value| {
            let name = call.get("name").and_then(Value::as_str).unwrap_or("");
            let mut answer = Value::object();
            match called(name, call.get("args").unwrap_or(&Value::Null)) {
                Ok(value) => answer.insert("value", value),
                Err(e) => answer.insert("error", e.to_json()),
            };
            answer
        };
        bytes(&Value::Array(calls.as_array().ok_or(Code::Invalid)?.iter().map(answer).collect()))
    }
}
