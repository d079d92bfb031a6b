// Command broken does not compile: it has no main.
package main
