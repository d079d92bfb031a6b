use crate::json::record::lines;
use crate::{sys, Context, Error, Json, Result, Value};

/// Makes functions the tasks of this module: each is the name of an export and a
/// `fn(&Context, In) -> Result<Out>`, where In and Out have a form in JSON. The
/// doc comment says in a line what it does. To be used once in a crate.
///
/// Beside the tasks it exports `_initialize`, and `graflow_describe`, which tells
/// their names, docs and schemas.
#[macro_export]
macro_rules! export {
    ($($(#[doc = $doc:expr])* $name:literal => $task:path),+ $(,)?) => {
        $(const _: () = {
            #[cfg_attr(target_arch = "wasm32", export_name = $name)]
            pub extern "C" fn export() -> i32 {
                $crate::export_support::run($task)
            }
        };)+

        const _: () = {
            #[cfg_attr(target_arch = "wasm32", export_name = "_initialize")]
            pub extern "C" fn initialize() {
                $crate::export_support::initialize()
            }

            #[cfg_attr(target_arch = "wasm32", export_name = "graflow_describe")]
            pub extern "C" fn describe() -> i32 {
                $crate::export_support::describe(vec![
                    $($crate::export_support::task($name, &[$($doc),*], $task)),+
                ])
            }
        };
    };
}

/// Has a function run once before the host takes the snapshot of which every task
/// then gets its own copy: parse tables, fill caches. It must not ask the host for
/// anything but the log. A host without snapshots may never run it, so tasks must
/// work without. To be used once in a crate.
#[macro_export]
macro_rules! warmup {
    ($warm:path) => {
        const _: () = {
            #[cfg_attr(target_arch = "wasm32", export_name = "graflow_warmup")]
            pub extern "C" fn warmup() {
                $crate::export_support::warm($warm)
            }
        };
    };
}

/// Runs what the linker collected to be run first.
pub fn initialize() {
    sys::initialize();
}

/// Runs a warm-up.
pub fn warm(warm: fn()) {
    report_panics();
    warm();
}

/// Runs a task once on the host of this module, and answers what its export does.
pub fn run<In: Json, Out: Json>(task: impl Fn(&Context, In) -> Result<Out>) -> i32 {
    report_panics();
    told(attempt(task))
}

/// Writes the description of tasks as the output.
pub fn describe(tasks: Vec<Value>) -> i32 {
    let mut description = Value::object();
    description.insert("tasks", tasks);
    told(description.encode().map_err(Error::from).and_then(|text| output(&text)))
}

/// The description of one task.
pub fn task<In: Json, Out: Json>(
    name: &str,
    doc: &[&str],
    _: impl Fn(&Context, In) -> Result<Out>,
) -> Value {
    let mut task = Value::object();
    task.insert("name", name).insert("doc", lines(doc));
    task.insert("input", In::schema()).insert("output", Out::schema());
    task
}

/// Reads the input, runs the task and writes the output.
pub(crate) fn attempt<In: Json, Out: Json>(
    task: impl Fn(&Context, In) -> Result<Out>,
) -> Result<()> {
    let input = sys::input().map_err(|code| Error::of_code("read input".to_string(), code))?;
    let mut input = text(input)?;
    if input.is_empty() {
        input.push_str("null"); // no input at all
    }
    let refused = |e: crate::JsonError| Error::new("invalid_input", format!("input: {e}"));
    let input = In::decode(&input).map_err(|e| refused(e).permanent())?;
    let out = task(&Context::new(), input)?;
    let encoded = out.encode().map_err(|e| Error::from(e).context("encode the result").permanent());
    output(&encoded?)
}

fn output(text: &str) -> Result<()> {
    let failed = |code| Error::of_code(format!("write output of {} bytes", text.len()), code);
    sys::output(text).map_err(failed)
}

/// The bytes of a document as text; hosts give no other.
pub(crate) fn text(bytes: Vec<u8>) -> Result<String> {
    Ok(String::from_utf8(bytes)?)
}

/// Tells the host of a failure.
pub(crate) fn told(done: Result<()>) -> i32 {
    match done {
        Ok(()) => 0,
        Err(e) => {
            sys::fail(e.kind(), e.message(), e.flags());
            1
        }
    }
}

/// A panic ends a module at once; before that it says what happened.
#[cfg(target_arch = "wasm32")]
fn report_panics() {
    std::panic::set_hook(Box::new(|info| {
        let message = info.to_string();
        sys::log(8, &message);
        sys::fail("panic", &message, 0);
    }));
}

#[cfg(not(target_arch = "wasm32"))]
fn report_panics() {}
