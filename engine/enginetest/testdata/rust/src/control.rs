use graflow::{record, Context, Level, NextTask, Pause, Result, Value};

pub fn next(ctx: &Context, tasks: Vec<NextTask>) -> Result<String> {
    for task in &tasks {
        ctx.spawn(task)?;
    }
    Ok("asked".to_string())
}

pub fn iterate(ctx: &Context, n: i64) -> Result<i64> {
    if n < 3 {
        ctx.next_iteration(&(n + 1))?;
    }
    Ok(n)
}

pub fn terminate(ctx: &Context, message: String) -> Result<()> {
    ctx.terminate(&message)
}

pub fn cancel(ctx: &Context, message: String) -> Result<()> {
    ctx.cancel(&message)
}

record! {
    struct Line {
        level: String,
        message: String,
    }
}

record! {
    struct Progress {
        done: f64,
        total: f64,
        note: String = String::new(),
    }
}

record! {
    pub struct Telling {
        log: Vec<Line> = Vec::new(),
        progress: Vec<Progress> = Vec::new(),
    }
}

pub fn tell(ctx: &Context, input: Telling) -> Result<()> {
    for line in &input.log {
        let level = match line.level.as_str() {
            "DEBUG" => Level::Debug,
            "WARN" => Level::Warn,
            "ERROR" => Level::Error,
            _ => Level::Info,
        };
        ctx.log(level, &line.message);
    }
    for p in &input.progress {
        ctx.progress(p.done, p.total, &p.note);
    }
    Ok(())
}

pub fn pause(ctx: &Context, pause: Pause) -> Result<Value> {
    ctx.pause(&pause)
}

pub fn ask(ctx: &Context, _: ()) -> Result<Vec<Value>> {
    ctx.channel().add("asked", 1.0)?;
    Ok(vec![
        ctx.pause(&Pause::new("first"))?,
        ctx.pause(&Pause::new("second"))?,
    ])
}

record! {
    pub struct Point {
        name: String = String::new(),
        meta: Option<Value>,
    }
}

pub fn checkpoint(ctx: &Context, points: Vec<Point>) -> Result<()> {
    for p in &points {
        ctx.checkpoint(
            Some(p.name.as_str()).filter(|name| !name.is_empty()),
            p.meta.as_ref(),
        )?;
    }
    Ok(())
}
