use std::collections::BTreeMap;
use std::fmt;

use crate::base64;
use crate::context::decoded;
use crate::{record, sys, Code, Context, Error, Json, Result, Value};

/// A request under the egress rules of the attempt.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HttpRequest {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// Where to.
    pub url: String,
    /// Headers, by name.
    pub header: BTreeMap<String, String>,
    /// The body; empty is none.
    pub body: Vec<u8>,
}

/// What answers it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HttpResponse {
    /// The status; 400 or more is no error.
    pub status: i64,
    /// Headers, by name.
    pub header: BTreeMap<String, Vec<String>>,
    /// The whole body.
    pub body: Vec<u8>,
}

record! {
    struct Answer {
        status: i64,
        header: Option<BTreeMap<String, Vec<String>>>,
        body: Option<String>,
    }
}

record! {
    /// The failure of a tool that its caller may handle.
    #[derive(Clone, Debug, PartialEq)]
    pub struct ToolError {
        /// the tool's own, or `not_found`, `denied`, `invalid_args`
        pub kind: String,
        /// what is wrong, for people
        pub message: String = String::new(),
    }
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

impl std::error::Error for ToolError {}

record! {
    struct ToolAnswer {
        value: Value,
        error: Option<ToolError>,
    }
}

impl Context {
    /// The secret of a name, if the task was granted it; else the error is
    /// [`Code::NotFound`] or [`Code::Denied`].
    pub fn secret(&self, name: &str) -> Result<String> {
        let doing = format!("secret {name:?}");
        let bytes = self.secret_bytes(name)?;
        String::from_utf8(bytes).map_err(|_| Error::new("", doing + ": it is not text"))
    }

    /// The same for one that need not be text.
    pub fn secret_bytes(&self, name: &str) -> Result<Vec<u8>> {
        sys::secret_get(name).map_err(|code| Error::of_code(format!("secret {name:?}"), code))
    }

    /// Sends a request under the attempt's egress rules and waits for the whole
    /// response.
    pub fn http(&self, request: &HttpRequest) -> Result<HttpResponse> {
        let doing = || format!("request {} {}", request.method, request.url);
        let document = Value::Object(BTreeMap::from([
            ("method".to_string(), request.method.to_json()),
            ("url".to_string(), request.url.to_json()),
            ("header".to_string(), request.header.to_json()),
            ("body".to_string(), base64::encode(&request.body).into()),
        ]));
        let answer =
            sys::http_request(&document.encode()?).map_err(|code| Error::of_code(doing(), code))?;
        let answer: Answer = decoded(&answer, doing)?;
        let body = base64::decode(answer.body.as_deref().unwrap_or(""))
            .ok_or_else(|| Error::from(Code::Invalid).context(&doing()))?;
        let header = answer.header.unwrap_or_default();
        Ok(HttpResponse { status: answer.status, header, body })
    }

    /// Calls a tool that the embedding program offers.
    pub fn tool<T: Json>(&self, name: &str, args: &impl Json) -> Result<T> {
        let doing = || format!("tool {name:?}");
        let answer =
            sys::tool_call(name, &args.encode()?).map_err(|code| Error::of_code(doing(), code))?;
        decoded(&answer, doing)
    }

    /// Calls several tools, all at once, and answers in the order of the calls.
    pub fn tools(
        &self,
        calls: &[(&str, Value)],
    ) -> Result<Vec<std::result::Result<Value, ToolError>>> {
        let doing = || format!("call {} tools", calls.len());
        let calls = calls.iter().map(|(name, args)| {
            let call = [("name".to_string(), (*name).into()), ("args".to_string(), args.clone())];
            Value::Object(BTreeMap::from(call))
        });
        let document = Value::Array(calls.collect());
        let answer =
            sys::tool_calls(&document.encode()?).map_err(|code| Error::of_code(doing(), code))?;
        let answers: Vec<ToolAnswer> = decoded(&answer, doing)?;
        let settled = |a: ToolAnswer| a.error.map_or(Ok(a.value), Err);
        Ok(answers.into_iter().map(settled).collect())
    }
}
