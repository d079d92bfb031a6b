//! The programs of enginetest.HandlerSuite in Rust: what each does is written in
//! handler_programs.go, and in handlers/wasm/languages_test.go.
#![forbid(unsafe_code)]

mod channel;
mod control;
mod powers;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use graflow::{export, record, Code, Context, Error, Meta, Raw, Result, Value};

export! {
    /// returns its input
    "echo" => echo,
    /// returns its input, taken apart and put together
    "rebuild" => rebuild,
    /// fails as it is told
    "fail" => fail,
    /// returns the result of a task
    "result" => result,
    /// returns what it is part of
    "meta" => meta,
    /// never ends
    "spin" => spin,
    /// crashes
    "crash" => crash,
    /// reads and writes the channel
    "channel" => channel::channel,
    /// asks for next tasks
    "next" => control::next,
    /// iterates up to 3
    "iterate" => control::iterate,
    /// terminates the run
    "terminate" => control::terminate,
    /// cancels the run
    "cancel" => control::cancel,
    /// tells what it is told
    "tell" => control::tell,
    /// pauses
    "pause" => control::pause,
    /// asks twice
    "ask" => control::ask,
    /// asks for checkpoints
    "checkpoint" => control::checkpoint,
    /// returns a secret
    "secret" => powers::secret,
    /// sends a request
    "http" => powers::http,
    /// calls one tool
    "tool" => powers::tool,
    /// calls several tools at once
    "tools" => powers::tools,
}

fn echo(_: &Context, input: Raw) -> Result<Raw> {
    Ok(input)
}

fn rebuild(_: &Context, input: Value) -> Result<Value> {
    Ok(input)
}

record! {
    struct Failing {
        kind: String = String::new(),
        message: String,
        permanent: bool = false,
        retry_after: Duration = Duration::ZERO,
        cancel: String = String::new(),
    }
}

fn fail(ctx: &Context, input: Failing) -> Result<()> {
    ctx.channel().set("lost", &true)?;
    if !input.cancel.is_empty() {
        ctx.cancel(&input.cancel)?;
    }
    let err = Error::new(input.kind, input.message).retry_after(input.retry_after);
    Err(if input.permanent {
        err.permanent()
    } else {
        err
    })
}

fn result(ctx: &Context, id: String) -> Result<Option<Raw>> {
    match ctx.result(&id) {
        Err(e) if e.code() == Some(Code::NotFound) => Ok(None),
        found => found.map(Some),
    }
}

fn meta(ctx: &Context, _: ()) -> Result<Meta> {
    ctx.meta()
}

fn spin(ctx: &Context, _: ()) -> Result<u64> {
    ctx.info("spinning");
    static COUNT: AtomicU64 = AtomicU64::new(0);
    loop {
        // What is atomic the compiler does not think away.
        let n = COUNT.fetch_add(2, Ordering::Relaxed);
        if n == 1 {
            return Ok(n);
        }
    }
}

fn crash(ctx: &Context, _: ()) -> Result<()> {
    ctx.channel().set("lost", &true)?;
    panic!("boom")
}
