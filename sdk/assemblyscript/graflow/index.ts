// Tasks of graflow-wasm in AssemblyScript.
//
//     import { Value, done, describe, info, input } from "graflow";
//     export { graflow_describe } from "graflow";
//
//     describe("greet", "greets someone by name");
//     export function greet(): i32 {
//       const name = input().get("name").asString("world");
//       info("greeting " + name);
//       return done(Value.of("Hello, " + name + "!"));
//     }
//
// A task is an exported function without parameters that returns an i32: what done
// and fail return. The compiler builds it:
//
//     asc guest.ts -o guest.wasm -O3 --exportStart _initialize \
//         --use abort=graflow_abort --stackSize 1048576
//
// An error that is thrown, as for an index out of range, ends the task with its
// message in the log. A module imports only the host functions that it uses, so its
// list of imports says what it can do. docs/abi.md has the documents that spawn and
// pause take.
export { graflow_abort } from "./abort";
export * from "./channel";
export * from "./code";
export * from "./control";
export * from "./powers";
export * from "./task";
export * from "./tell";
export { Kind, Value } from "./value";
export { parse } from "./parse";
