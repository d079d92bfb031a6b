// Package guestfs holds the file trees that a guest may see. All implement [FS];
// package wasip1 serves them to guests:
//
//   - [OpenDir]: a directory of the machine, behind os.Root
//   - [NewMemory]: a tree in memory, which its owner fills and collects
//   - [ReadOnly]: any tree of package io/fs
//
// What a guest adds is charged to a [Quota]. The three answer alike, down to
// which error holds where several do: as Linux does. Only Dir has links, made
// by others, and these never lead out of it.
//
// The package knows no WebAssembly and no file descriptors: a [File] has no
// position.
package guestfs
