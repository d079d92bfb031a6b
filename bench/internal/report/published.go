package report

// published is what Graflow and Flux say of themselves. Nothing of it was measured by us
// or on this machine.
const published = `### What Graflow and Flux publish

Published by them, of other machines, and not measured again:

| who | page | what | figure |
| --- | ---- | ---- | ------ |
| Graflow | "04 - Custom Execution Handlers", "Performance Comparison" | start of a task, direct handler | "~0ms" |
| Graflow | the same | start of a task, Docker handler | "~500-2000ms" |
| Flux | "Task System" | | no figure |

The nearest of ours: [what isolation costs](#what-isolation-costs). What was told to the
project of Graflow's engine is [above](#the-simulator).
`
