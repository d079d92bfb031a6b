use std::time::Duration;

use crate::context::decoded;
use crate::{sys, Code, Context, Error, Json, JsonError, Result, Value};

/// Documents with only some of their members: a newtype of the object.
macro_rules! document {
    ($(#[$meta:meta])* $name:ident, $key:literal) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name(Value);

        impl $name {
            fn with(mut self, key: &str, value: Value) -> Self {
                self.0.insert(key, value);
                self
            }

            fn named(&self) -> String {
                self.0.get($key).and_then(Value::as_str).unwrap_or("").to_string()
            }
        }

        impl Json for $name {
            fn from_json(value: Value) -> std::result::Result<Self, JsonError> {
                Ok($name(value.into_object().map(Value::Object)?))
            }

            fn to_json(&self) -> Value {
                self.0.clone()
            }
        }
    };
}

document! {
    /// A task to run next. With a handler or a spec it is a new task; with an id
    /// alone an existing one, which implies goto. docs/abi.md has the document
    /// that it is.
    NextTask, "id"
}

impl NextTask {
    /// The task of an id.
    pub fn new(id: &str) -> NextTask {
        NextTask(Value::object()).with("id", id.into())
    }

    /// A new task, of a handler: `wasm`, with the spec `"#export"` for one of
    /// this module.
    pub fn spec(self, handler: &str, spec: impl Into<Value>) -> NextTask {
        self.with("handler", handler.into()).with("spec", spec.into())
    }

    /// Its input; absent it is this task's result.
    pub fn input<T: Json>(self, input: &T) -> NextTask {
        let input = input.to_json();
        self.with("input", input)
    }

    /// The ordinary successors of this task don't run.
    pub fn goto(self) -> NextTask {
        self.with("goto", true.into())
    }
}

document! {
    /// A question to a person. docs/abi.md has the document that it is.
    Pause, "name"
}

impl Pause {
    /// A pause, by the name that the answer is given to.
    pub fn new(name: &str) -> Pause {
        Pause(Value::object()).with("name", name.into())
    }

    /// Tells whoever is asked what it is about.
    pub fn message(self, text: &str) -> Pause {
        self.with("message", text.into())
    }

    /// The JSON Schema of the answer; without one any will do.
    pub fn schema(self, schema: Value) -> Pause {
        self.with("schema", schema)
    }

    /// How long to wait at most. Then the task fails with kind `pause_timeout`,
    /// unless there is a default.
    pub fn timeout(self, wait: Duration) -> Pause {
        self.with("timeout", wait.to_json())
    }

    /// The answer after the timeout.
    pub fn default(self, answer: impl Into<Value>) -> Pause {
        self.with("default", answer.into())
    }

    /// From then on (RFC 3339) the answer is null.
    pub fn until(self, time: &str) -> Pause {
        self.with("until", time.into())
    }

    /// The same after a time.
    pub fn after(self, wait: Duration) -> Pause {
        self.with("after", wait.to_json())
    }
}

impl Context {
    /// Asks for the existing or just spawned task to run after this one, besides
    /// its ordinary successors.
    pub fn next_task(&self, id: &str) -> Result<()> {
        self.spawn(&NextTask::new(id))
    }

    /// Asks for the existing task to run next, in place of the ordinary
    /// successors.
    pub fn goto(&self, id: &str) -> Result<()> {
        self.spawn(&NextTask::new(id).goto())
    }

    /// Asks for a task to run after this one. Nothing happens until this task has
    /// succeeded.
    pub fn spawn(&self, next: &NextTask) -> Result<()> {
        let failed = |code| Error::of_code(format!("next task {:?}", next.named()), code);
        sys::next_task(&next.encode()?).map_err(failed)
    }

    /// Asks for this task to run once more, with this input.
    pub fn next_iteration<T: Json>(&self, input: &T) -> Result<()> {
        sys::next_iteration(&input.encode()?).map_err(failed("next iteration"))
    }

    /// Asks for this task to run once more; its input is left to the engine.
    pub fn iterate(&self) -> Result<()> {
        sys::next_iteration("").map_err(failed("next iteration"))
    }

    /// Asks for the run to end with success once this task has.
    pub fn terminate(&self, message: &str) -> Result<()> {
        sys::terminate(message).map_err(failed("terminate"))
    }

    /// Asks for the run to end as canceled.
    pub fn cancel(&self, message: &str) -> Result<()> {
        sys::cancel(message).map_err(failed("cancel"))
    }

    /// Asks for a checkpoint after this task, with metadata noted in it. It is
    /// named by its number, unless `name` has a name.
    pub fn checkpoint(&self, name: Option<&str>, meta: Option<&Value>) -> Result<()> {
        let data = meta.map(Value::encode).transpose()?.unwrap_or_default();
        match name {
            None => sys::checkpoint(&data),
            Some(name) => sys::checkpoint_as(name, &data),
        }
        .map_err(failed("checkpoint"))
    }

    /// Asks a person, and answers with the answer. As long as there is none the
    /// host ends the attempt here: nothing after it runs, drops included, and all
    /// effects are dropped but a cancel. Then the task runs again, from its
    /// start: what comes before must bear repeating.
    pub fn pause<T: Json>(&self, pause: &Pause) -> Result<T> {
        let doing = || format!("pause {:?}", pause.named());
        let answer = sys::pause(&pause.encode()?).map_err(|code| Error::of_code(doing(), code))?;
        decoded(&answer, doing)
    }
}

fn failed(doing: &'static str) -> impl Fn(Code) -> Error {
    move |code| Error::of_code(doing.to_string(), code)
}
