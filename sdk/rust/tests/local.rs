//! Tasks on a host in memory: what they find there and what they leave.

use std::collections::BTreeMap;
use std::time::Duration;

use graflow::{
    fail, record, Code, Context, Error, HttpRequest, Json, Level, Local, Meta, NextTask, Pause,
    Result, ToolError, Value,
};

fn json(text: &str) -> Value {
    Value::parse(text).unwrap()
}

#[test]
fn channel_and_results() {
    fn task(ctx: &Context, _: ()) -> Result<Vec<String>> {
        let ch = ctx.channel();
        assert_eq!(ch.get::<i64>("n")?, Some(40));
        assert_eq!(ch.get::<i64>("none")?, None);
        ch.add("n", 2.0)?;
        ch.append("l", &2)?;
        ch.prepend("l", &"a".to_string())?;
        ch.set("x", &true)?;
        ch.delete("old")?;
        assert_eq!(ch.add("x", 1.0).unwrap_err().code(), Some(Code::Invalid));
        assert_eq!(ch.get::<i64>("x").unwrap_err().code(), None);
        assert_eq!(ctx.result::<Vec<i64>>("before")?, vec![1]);
        assert_eq!(ctx.result::<Value>("nobody").unwrap_err().code(), Some(Code::NotFound));
        ch.keys("")
    }
    let mut host = Local::new();
    host.channel = BTreeMap::from([("n".to_string(), 40.into()), ("old".to_string(), 1.into())]);
    host.results.insert("before".to_string(), json("[1]"));
    assert_eq!(host.call(task, ()).unwrap(), ["l", "n", "x"]);
    assert_eq!(Value::Object(host.channel), json(r#"{"l":["a",2],"n":42,"x":true}"#));
}

#[test]
fn effects() {
    fn task(ctx: &Context, _: ()) -> Result<Meta> {
        ctx.debug("deep");
        ctx.warn("careful");
        ctx.progress(1.0, 2.0, "half");
        ctx.next_task("a")?;
        ctx.spawn(&NextTask::new("b").spec("wasm", "#x").input(&vec![1]).goto())?;
        ctx.next_iteration(&3)?;
        ctx.checkpoint(Some("here"), Some(&1.into()))?;
        ctx.checkpoint(None, None)?;
        ctx.terminate("enough")?;
        ctx.cancel("no")?;
        ctx.meta()
    }
    let mut host = Local::new();
    host.meta.attempt = 2;
    assert_eq!(host.call(task, ()).unwrap().attempt, 2);
    assert_eq!(host.logged(Level::Info), ["careful"]);
    let e = &host.effects;
    let spawned = r##"{"id":"b","handler":"wasm","spec":"#x","input":[1],"goto":true}"##;
    assert_eq!(e.next, [json(r#"{"id":"a"}"#), json(spawned)]);
    assert_eq!(e.iteration, Some(3.into()));
    assert_eq!(e.checkpoints, [("here".to_string(), 1.into()), (String::new(), Value::Null)]);
    assert_eq!((e.terminated.as_deref(), e.canceled.as_deref()), (Some("enough"), Some("no")));
    assert_eq!(e.progress, [(1.0, 2.0, "half".to_string())]);
}

#[test]
fn pauses() {
    fn task(ctx: &Context, _: ()) -> Result<bool> {
        let wait = Duration::from_secs(90);
        ctx.pause(&Pause::new("approve").message("sure?").timeout(wait).default(false))
    }
    let mut host = Local::new();
    assert_eq!(host.call(task, ()).unwrap_err().kind(), "paused");
    let asked = r#"{"name":"approve","message":"sure?","timeout":"90000000000ns","default":false}"#;
    assert_eq!(host.effects.paused, Some(json(asked)));
    host.answers.insert("approve".to_string(), true.into());
    assert!(host.call(task, ()).unwrap());
}

#[test]
fn failures() {
    fn task(_: &Context, how: String) -> Result<()> {
        match how.as_str() {
            "plain" => Ok("x".parse::<i64>().map(drop)?),
            "kind" => {
                Err(fail!("flaky", "it {} broke", 1).retry_after(Duration::from_micros(1500)))
            }
            "code" => Err(Code::Denied.into()),
            _ => Err(Error::new("bad", "never").permanent().context("order")),
        }
    }
    for (how, kind, message, permanent, millis) in [
        ("plain", "error", "invalid digit found in string", false, 0),
        ("kind", "flaky", "it 1 broke", false, 2),
        ("code", "denied", "denied: the grant is missing", true, 0),
        ("", "bad", "order: never", true, 0),
    ] {
        let mut host = Local::new();
        assert_eq!(host.call(task, how.to_string()).unwrap_err().message(), message);
        let f = host.effects.failure.unwrap();
        assert_eq!((f.kind.as_str(), f.message.as_str(), f.permanent), (kind, message, permanent));
        assert_eq!(f.retry_after, Duration::from_millis(millis), "{how}");
    }
}

#[test]
fn powers() {
    fn task(ctx: &Context, _: ()) -> Result<String> {
        assert_eq!(ctx.secret("key")?, "hunter2");
        assert_eq!(ctx.secret("other").unwrap_err().code(), Some(Code::NotFound));
        assert_eq!(ctx.tool::<i64>("double", &21)?, 42);
        let answers = ctx.tools(&[("none", 1.into()), ("double", 4.into())])?;
        assert_eq!(answers[0].as_ref().unwrap_err().kind, "not_found");
        assert_eq!(answers[1], Ok(8.into()));
        let request = HttpRequest { url: "http://x/".to_string(), ..Default::default() };
        let response = ctx.http(&request)?;
        assert_eq!(response.status, 404);
        Ok(String::from_utf8(response.body)?)
    }
    let mut host = Local::new();
    host.secrets.insert("key".to_string(), "hunter2".to_string());
    host.tools.insert("double".to_string(), |n| match n.as_i64() {
        Some(n) => Ok((2 * n).into()),
        None => Err(ToolError { kind: "invalid_args".to_string(), message: String::new() }),
    });
    host.http = Some(|_| json(r#"{"status":404,"header":null,"body":"Z3LDvMOfZQ=="}"#));
    assert_eq!(host.call(task, ()).unwrap(), "grüße");
}

record! {
    #[derive(Debug, PartialEq)]
    struct Order {
        /// how many
        count: u8 = 1,
        note: Option<String>,
        kind: String as "type",
        lines: Vec<BTreeMap<String, f64>> = Vec::new(),
    }
}

#[test]
fn records() {
    let order = Order::decode(r#"{"type":"book","lines":[{"a":1.5}],"more":0}"#).unwrap();
    let text = r#"{"count":1,"lines":[{"a":1.5}],"note":null,"type":"book"}"#;
    assert_eq!(order.encode().unwrap(), text);
    assert_eq!(Order::decode(text).unwrap(), order);
    for (text, message) in [
        ("{}", r#"field "type": it is missing"#),
        (r#"{"type":"x","count":256}"#, r#"field "count": got number, want an integer, u8"#),
        (r#"{"type":"x","lines":[{},{"a":""}]}"#, r#"field "lines[1].a": got string, want number"#),
        ("[]", "got array, want object"),
        ("{", "not JSON, at byte 1: got the end, want a key"),
    ] {
        assert_eq!(Order::decode(text).unwrap_err().to_string(), message);
    }
    let schema = Order::schema();
    assert_eq!(schema.get("required"), Some(&json(r#"["type"]"#)));
    let properties = schema.get("properties").unwrap();
    let count = r#"{"type":"integer","minimum":0,"description":"how many"}"#;
    assert_eq!(properties.get("count"), Some(&json(count)));
    assert_eq!(properties.get("note"), Some(&json(r#"{"type":["string","null"]}"#)));
}
