// Package guestfs holds the file trees that a guest may see: directories of the
// machine behind os.Root, and trees in memory. Both implement [FS]; package
// wasip1 serves them to guests. What a guest writes is charged to a [Quota].
//
// It knows no WebAssembly and no file descriptors: a [File] has no position.
package guestfs
