// Package report makes a page of records ([record.Line]): tables and plots, what is
// ours beside what is others', and where we lose. It adds nothing that is not in the
// records but what others have published of themselves, which is told as such.
//
// Plots are SVG of its own making: gonum's plotter writes fixed colors, these follow
// the reader's scheme, light or dark.
package report
