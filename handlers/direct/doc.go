// Package direct runs Go functions as tasks, in the process of the engine.
//
// A [Handler] holds functions by name; [Func] adds a typed one and returns the
// task that calls it. What a function asks for besides its value goes through
// its [Context] and is committed with the value, or dropped when it fails. A
// function that pauses returns and is called again once there is an answer.
//
// A function is trusted code: it shares the process. One that ignores its
// context can't be stopped; past its timeout the engine goes on without it.
package direct
