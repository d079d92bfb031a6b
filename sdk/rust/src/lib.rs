//! Tasks of graflow-wasm in Rust, without dependencies.
//!
//! A guest is a `cdylib` whose tasks are functions, listed in one [`export!`]:
//!
//! ```
//! use graflow::{export, record, Context, Result};
//!
//! record! {
//!     /// The input of greet.
//!     pub struct Person {
//!         /// who to greet
//!         name: String = "world".to_string(),
//!     }
//! }
//!
//! fn greet(ctx: &Context, person: Person) -> Result<String> {
//!     ctx.info(&format!("greeting {}", person.name));
//!     Ok(format!("Hello, {}!", person.name))
//! }
//!
//! export! {
//!     /// greets someone by name
//!     "greet" => greet,
//! }
//! # let got = graflow::Local::new().call(greet, Person { name: "Ada".to_string() });
//! # assert_eq!(got.unwrap(), "Hello, Ada!");
//! ```
//!
//! `cargo build --release --target wasm32-wasip1` builds it. A task gets its
//! input decoded, as its type's [`Json`] says, and a [`Context`], its way to the
//! run: the channel, other tasks' results, the log, and what runs next. An
//! [`Error`] carries a kind and a word on retrying.
//!
//! The same source compiles natively, where [`Local`] runs a task on a host in
//! memory, so that guests are tested with `cargo test`.
//!
//! A guest imports only the host functions that it uses, so a module's list of
//! imports says what it can do.
#![deny(unsafe_code)]
#![warn(missing_docs)]

mod base64;
mod channel;
mod context;
mod control;
mod duration;
mod error;
mod export;
mod json;
#[cfg(not(target_arch = "wasm32"))]
mod local;
mod powers;
mod record;
#[allow(unsafe_code)] // the only place: what crosses the boundary to the host
mod sys;

pub use channel::Channel;
pub use context::{Context, Level, Meta};
pub use control::{NextTask, Pause};
pub use error::{Code, Error, Result};
pub use json::{Json, JsonError, Number, Raw, Value};
#[cfg(not(target_arch = "wasm32"))]
pub use local::{Effects, Failure, Local};
pub use powers::{HttpRequest, HttpResponse, ToolError};

/// What the macros expand to; not for use by hand.
#[doc(hidden)]
pub mod export_support {
    pub use crate::export::{describe, initialize, run, task, warm};
    pub use crate::json::record::{field, missing, object, Field};
}
