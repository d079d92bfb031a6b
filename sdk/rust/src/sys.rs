//! The host of this module: the imports of graflow_v1 with Rust's types. Each is
//! a function of its own, so that the linker drops those that a guest does not
//! use. Natively it is the host in memory.

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::local::host::*;
#[cfg(target_arch = "wasm32")]
pub(crate) use wasm::*;

#[cfg(target_arch = "wasm32")]
mod wasm {
    use crate::Code;

    type Bytes = Result<Vec<u8>, Code>;
    type Done = Result<(), Code>;

    mod import {
        #[link(wasm_import_module = "graflow_v1")]
        extern "C" {
            pub fn input_len() -> i32;
            pub fn input_read(to: *mut u8, len: usize) -> i32;
            pub fn output_write(data: *const u8, len: usize) -> i32;
            pub fn fail(kind: *const u8, len: usize, msg: *const u8, msg_len: usize, flags: i64);
            pub fn log(level: i32, line: *const u8, len: usize);
            pub fn progress(done: f64, total: f64, note: *const u8, len: usize);
            pub fn meta() -> i64;
            pub fn reply_read(to: *mut u8, len: usize) -> i32;
        }
    }

    extern "C" {
        fn __wasm_call_ctors();
    }

    pub(crate) fn initialize() {
        // SAFETY: the linker's own function, called once, before anything else.
        unsafe { __wasm_call_ctors() }
    }

    pub(crate) fn input() -> Bytes {
        // SAFETY: the host has no more to say of it than a number.
        let n = unsafe { import::input_len() };
        // SAFETY: the buffer has room for what is asked for.
        filled(n.into(), |to, len| unsafe { import::input_read(to, len) })
    }

    pub(crate) fn output(text: &str) -> Done {
        // SAFETY: the host reads the text during the call.
        done(unsafe { import::output_write(text.as_ptr(), text.len()) })
    }

    pub(crate) fn fail(kind: &str, message: &str, flags: i64) {
        // SAFETY: the host reads both during the call.
        unsafe { import::fail(kind.as_ptr(), kind.len(), message.as_ptr(), message.len(), flags) }
    }

    pub(crate) fn log(level: i32, line: &str) {
        // SAFETY: the host reads the line during the call.
        unsafe { import::log(level, line.as_ptr(), line.len()) }
    }

    pub(crate) fn progress(done: f64, total: f64, note: &str) {
        // SAFETY: the host reads the note during the call.
        unsafe { import::progress(done, total, note.as_ptr(), note.len()) }
    }

    pub(crate) fn meta() -> Bytes {
        // SAFETY: the host touches no memory.
        reply(unsafe { import::meta() })
    }

    /// Functions that take texts, and answer with bytes or a code.
    macro_rules! functions {
        ($($name:ident($($text:ident),+) -> $answer:ident: $number:ty;)*) => {
            $(pub(crate) fn $name($($text: &str),+) -> functions!(@type $answer) {
                functions!(@import $name($($text),+) -> $number);
                // SAFETY: the host reads the texts during the call.
                $answer(unsafe { functions!(@call $name($($text),+)) })
            })*
        };
        (@type reply) => { Bytes };
        (@type done) => { Done };
        (@import $name:ident($a:ident) -> $number:ty) => {
            #[link(wasm_import_module = "graflow_v1")]
            extern "C" {
                fn $name(a: *const u8, a_len: usize) -> $number;
            }
        };
        (@import $name:ident($a:ident, $b:ident) -> $number:ty) => {
            #[link(wasm_import_module = "graflow_v1")]
            extern "C" {
                fn $name(a: *const u8, a_len: usize, b: *const u8, b_len: usize) -> $number;
            }
        };
        (@call $name:ident($a:ident)) => { $name($a.as_ptr(), $a.len()) };
        (@call $name:ident($a:ident, $b:ident)) => {
            $name($a.as_ptr(), $a.len(), $b.as_ptr(), $b.len())
        };
    }

    functions! {
        result_get(id) -> reply: i64;
        channel_get(key) -> reply: i64;
        channel_set(key, value) -> done: i32;
        channel_delete(key) -> done: i32;
        channel_append(key, value) -> done: i32;
        channel_prepend(key, value) -> done: i32;
        channel_add(key, value) -> done: i32;
        channel_keys(prefix) -> reply: i64;
        next_task(next) -> done: i32;
        next_iteration(data) -> done: i32;
        terminate(message) -> done: i32;
        cancel(message) -> done: i32;
        checkpoint(meta) -> done: i32;
        checkpoint_as(name, meta) -> done: i32;
        pause(question) -> reply: i64;
        secret_get(name) -> reply: i64;
        http_request(request) -> reply: i64;
        tool_call(name, args) -> reply: i64;
        tool_calls(calls) -> reply: i64;
    }

    fn done(code: i32) -> Done {
        if code < 0 {
            return Err(Code::from_number(code.into()));
        }
        Ok(())
    }

    /// Fetches the bytes with which the last call answered.
    fn reply(n: i64) -> Bytes {
        // SAFETY: the buffer has room for what is asked for.
        filled(n, |to, len| unsafe { import::reply_read(to, len) })
    }

    /// A buffer of n bytes, as the host fills it.
    fn filled(n: i64, fill: impl Fn(*mut u8, usize) -> i32) -> Bytes {
        let len = usize::try_from(n).map_err(|_| Code::from_number(n))?;
        let mut buffer = vec![0; len];
        let n = fill(buffer.as_mut_ptr(), len);
        let len = usize::try_from(n).map_err(|_| Code::from_number(n.into()))?;
        buffer.truncate(len);
        Ok(buffer)
    }
}
