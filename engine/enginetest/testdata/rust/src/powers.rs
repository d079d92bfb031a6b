use std::collections::BTreeMap;

use graflow::{record, Context, HttpRequest, Json, Result, Value};

pub fn secret(ctx: &Context, name: String) -> Result<String> {
    ctx.secret(&name)
}

record! {
    pub struct Request {
        method: String,
        url: String,
        header: BTreeMap<String, String> = BTreeMap::new(),
        text: String = String::new(),
    }
}

record! {
    pub struct Response {
        status: i64,
        kind: String,
        text: String,
    }
}

pub fn http(ctx: &Context, r: Request) -> Result<Response> {
    let body = r.text.into_bytes();
    let got = ctx.http(&HttpRequest {
        method: r.method,
        url: r.url,
        header: r.header,
        body,
    })?;
    let kind = got
        .header
        .get("Content-Type")
        .map(|all| all.join(", "))
        .unwrap_or_default();
    Ok(Response {
        status: got.status,
        kind,
        text: String::from_utf8(got.body)?,
    })
}

record! {
    pub struct Call {
        name: String,
        args: Value,
    }
}

pub fn tool(ctx: &Context, call: Call) -> Result<Value> {
    ctx.tool(&call.name, &call.args)
}

pub fn tools(ctx: &Context, calls: Vec<Call>) -> Result<Vec<Value>> {
    let calls: Vec<(&str, Value)> = calls
        .iter()
        .map(|c| (c.name.as_str(), c.args.clone()))
        .collect();
    let mut answers = Vec::new();
    for answer in ctx.tools(&calls)? {
        answers.push(answer.unwrap_or_else(|e| e.to_json()));
    }
    Ok(answers)
}
