// The programs of enginetest.HandlerSuite in AssemblyScript: what each does is
// written in handler_programs.go, and in handlers/wasm/languages_test.go.
import {
  Code, Kind, Level, Response, Value, ask as askFor, cancel as cancelRun, channel as ch, checkpoint as point, describe,
  done, doneText, fail as failTask, failCode, http as request, info, input, inputText, log, meta as metaOf,
  nextIteration, pause as pauseFor, progress, result as resultOf, secret as secretOf, spawn, terminate as terminateRun,
  tool as callTool, tools as callTools,
} from "graflow";

export { graflow_describe } from "graflow";

describe("echo", "returns its input");
export function echo(): i32 {
  return doneText(inputText());
}

describe("rebuild", "returns its input, taken apart and put together");
export function rebuild(): i32 {
  const v = input();
  return v.exists ? done(v) : failTask("invalid_input", "the input is not JSON", true);
}

/** The milliseconds of a time in seconds, as "1.5s". */
function millis(text: string): i64 {
  return text.endsWith("s") ? <i64>(F64.parseFloat(text.substring(0, text.length - 1)) * 1000) : 0;
}

describe("fail", "fails as it is told");
export function fail(): i32 {
  const v = input();
  let code = ch.set("lost", Value.of(true));
  const message = v.get("cancel").asString();
  if (code >= 0 && message.length > 0) code = cancelRun(message);
  if (code < 0) return failCode("fail", code);
  const wait = millis(v.get("retry_after").asString());
  return failTask(v.get("kind").asString(), v.get("message").asString(), v.get("permanent").asBool(), wait);
}

describe("result", "returns the result of a task");
export function result(): i32 {
  const value = resultOf(input().asString());
  return value.exists || value.code == Code.NotFound ? done(value) : failCode("result", value.code);
}

describe("meta", "returns what it is part of");
export function meta(): i32 {
  return done(metaOf());
}

let count: u32 = 0;

describe("spin", "never ends");
export function spin(): i32 {
  info("spinning");
  while (count != 1) count += 2;
  return 0;
}

describe("crash", "crashes");
export function crash(): i32 {
  ch.set("lost", Value.of(true));
  throw new Error("boom");
}

function operate(o: Value): Value {
  const op = o.get("op").asString();
  const key = o.get("key").asString();
  const value = o.get("value");
  if (op == "get") return ch.get(key);
  if (op == "keys") return ch.keys(key);
  let code: i32 = Code.Invalid;
  if (op == "set") code = ch.set(key, value);
  else if (op == "append") code = ch.append(key, value);
  else if (op == "prepend") code = ch.prepend(key, value);
  else if (op == "delete") code = ch.remove(key);
  else if (op == "add" && value.kind == Kind.Number) code = ch.add(key, value.asFloat());
  return Value.of(code >= 0);
}

describe("channel", "reads and writes the channel", '{"type":"array"}', '{"type":"array"}');
export function channel(): i32 {
  const ops = input().items;
  const answers = Value.array();
  for (let i = 0; i < ops.length; i++) answers.push(operate(ops[i]));
  return done(answers);
}

describe("next", "asks for next tasks");
export function next(): i32 {
  const tasks = input().items;
  for (let i = 0; i < tasks.length; i++) {
    const code = spawn(tasks[i]);
    if (code < 0) return failCode("next task", code);
  }
  return done(Value.of("asked"));
}

describe("iterate", "iterates up to 3", '{"type":"integer"}', '{"type":"integer"}');
export function iterate(): i32 {
  const n = input().asInt();
  const code = n < 3 ? nextIteration(Value.of(n + 1)) : 0;
  return code < 0 ? failCode("iterate", code) : done(Value.of(n));
}

describe("terminate", "terminates the run");
export function terminate(): i32 {
  const code = terminateRun(input().asString());
  return code < 0 ? failCode("terminate", code) : 0;
}

describe("cancel", "cancels the run");
export function cancel(): i32 {
  const code = cancelRun(input().asString());
  return code < 0 ? failCode("cancel", code) : 0;
}

function levelOf(name: string): Level {
  if (name == "DEBUG") return Level.Debug;
  if (name == "WARN") return Level.Warn;
  return name == "ERROR" ? Level.Error : Level.Info;
}

describe("tell", "tells what it is told");
export function tell(): i32 {
  const v = input();
  const lines = v.get("log").items;
  for (let i = 0; i < lines.length; i++) {
    log(levelOf(lines[i].get("level").asString()), lines[i].get("message").asString());
  }
  const steps = v.get("progress").items;
  for (let i = 0; i < steps.length; i++) {
    progress(steps[i].get("done").asFloat(), steps[i].get("total").asFloat(), steps[i].get("note").asString());
  }
  return 0;
}

describe("pause", "pauses");
export function pause(): i32 {
  const answer = pauseFor(input());
  return answer.exists ? done(answer) : failCode("pause", answer.code);
}

describe("ask", "asks twice");
export function ask(): i32 {
  const code = ch.add("asked", 1);
  return code < 0 ? failCode("ask", code) : done(Value.array().push(askFor("first")).push(askFor("second")));
}

describe("checkpoint", "asks for checkpoints");
export function checkpoint(): i32 {
  const points = input().items;
  for (let i = 0; i < points.length; i++) {
    const code = point(points[i].get("name").asString(), points[i].get("meta"));
    if (code < 0) return failCode("checkpoint", code);
  }
  return 0;
}

describe("secret", "returns a secret");
export function secret(): i32 {
  const value = secretOf(input().asString());
  return value.exists ? done(value) : failCode("secret", value.code);
}

describe("http", "sends a request");
export function http(): i32 {
  const v = input();
  const body = String.UTF8.encode(v.get("text").asString());
  const r: Response = request(v.get("method").asString(), v.get("url").asString(), v.get("header"), body);
  if (r.code < 0) return failCode("request", r.code);
  return done(
    Value.object()
      .set("status", Value.of(r.status))
      .set("kind", r.header.get("Content-Type").at(0))
      .set("text", Value.of(r.text())),
  );
}

describe("tool", "calls one tool");
export function tool(): i32 {
  const v = input();
  const answer = callTool(v.get("name").asString(), v.get("args"));
  return answer.exists ? done(answer) : failCode("tool", answer.code);
}

describe("tools", "calls several tools at once");
export function tools(): i32 {
  const answers = callTools(input());
  if (!answers.exists) return failCode("tools", answers.code);
  const all = Value.array();
  for (let i = 0; i < answers.items.length; i++) {
    const error = answers.at(i).get("error");
    all.push(error.kind == Kind.Object ? error : answers.at(i).get("value"));
  }
  return done(all);
}
