// Package secrets keeps the secrets of tasks, and keeps them out of what tasks
// tell.
//
// A [Store] finds a secret by its name: [Env] in environment variables, [File]
// in one file sealed with age. [Chain] asks several in turn, and [Collect]
// fetches all that a task was granted, or says in one [Missing] which of them
// nobody has.
//
// A File is sealed to an X25519 identity, which its first Set creates for its
// owner's eyes only, or with a passphrase. It is what the age command reads and
// writes, a JSON document inside, and it is replaced as a whole: a reader sees the
// old or the new one, and writers in several processes wait for each other.
//
// A [Redactor] finds values in text, as they are and as text usually carries
// them: in base64, hexadecimal, JSON, Go and URL escapes. It finds no value that
// a program has taken apart or disguised on purpose; what a guest may read, it
// may also hide. See docs/secrets.md.
//
// The package knows no tasks, runs or flags.
package secrets
