use graflow::{record, Channel, Context, Result, Value};

record! {
    pub struct Op {
        op: String,
        key: String = String::new(),
        value: Value,
    }
}

pub fn channel(ctx: &Context, ops: Vec<Op>) -> Result<Vec<Value>> {
    ops.iter().map(|op| apply(op, &ctx.channel())).collect()
}

fn apply(op: &Op, ch: &Channel) -> Result<Value> {
    let done = match op.op.as_str() {
        "get" => return Ok(ch.get(&op.key)?.unwrap_or_default()),
        "keys" => {
            let keys = ch.keys(&op.key)?;
            return Ok(Value::Array(keys.into_iter().map(Value::from).collect()));
        }
        "set" => ch.set(&op.key, &op.value),
        "append" => ch.append(&op.key, &op.value),
        "prepend" => ch.prepend(&op.key, &op.value),
        "delete" => ch.delete(&op.key),
        "add" => match op.value.as_f64() {
            Some(n) => ch.add(&op.key, n),
            None => return Ok(false.into()),
        },
        other => return Err(graflow::fail!("error", "no such op: {other:?}").permanent()),
    };
    Ok(done.is_ok().into())
}
