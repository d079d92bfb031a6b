// Package term shows text on terminals: in color where that is wanted, never wider
// than the terminal, and plain everywhere else.
//
// An [Output] knows what its stream can show. A [Table] written to one has titles,
// marks and colors on a terminal, and fits into its width; elsewhere it is the bare
// columns, whatever their width, for other programs. A [Screen] has a terminal for
// itself, for what is drawn anew all the time, and gives it back as it was.
//
// Foreign text reaches a terminal through [OneLine] or [Printable] alone: control
// characters, with which it could move the cursor or worse, are made visible. Widths
// are columns, of what the terminal draws as one character.
//
// Colors are the first 16, which every theme of a terminal makes legible; no color
// says anything that a word or a mark beside it does not. The package knows nothing of
// runs but the names of their statuses.
package term
