package asm

import "slices"

// Ids of sections.
const (
	SecCustom byte = iota
	SecType
	SecImport
	SecFunction
	SecTable
	SecMemory
	SecGlobal
	SecExport
	SecStart
	SecElement
	SecCode
	SecData
	SecDataCount
	SecTag
)

// Header is what every module begins with: magic and version.
func Header() []byte { return []byte{0, 'a', 's', 'm', 1, 0, 0, 0} }

// Section is a section with its size right.
func Section(id byte, content ...[]byte) []byte {
	return append([]byte{id}, Sized(slices.Concat(content...))...)
}

// Custom is a custom section.
func Custom(name string, content ...[]byte) []byte {
	return Section(SecCustom, Name(name), slices.Concat(content...))
}

// Binary is a module of raw sections.
func Binary(sections ...[]byte) []byte {
	return append(Header(), slices.Concat(sections...)...)
}

// types are the value types by their letter.
var types = map[rune]byte{
	'i': 0x7f, 'I': 0x7e, 'f': 0x7d, 'F': 0x7c, 'v': 0x7b, 'r': 0x70, 'e': 0x6f,
}

// Types are the encodings of value types, without a count.
func Types(letters string) []byte {
	var out []byte
	for _, l := range letters {
		code, ok := types[l]
		if !ok {
			panic("asm: no value type " + string(l))
		}
		out = append(out, code)
	}
	return out
}

// FuncType is the encoding of a function's type.
func FuncType(params, results string) []byte {
	return slices.Concat([]byte{0x60}, Sized(Types(params)), Sized(Types(results)))
}

// None is a missing maximum.
const None = ^uint64(0)

// Limits are the bounds of a memory or table.
func Limits(least, most uint64) []byte {
	if most == None {
		return append([]byte{0}, U32(least)...)
	}
	return slices.Concat([]byte{1}, U32(least), U32(most))
}

// Locals are the local declarations of a body: a letter's type for each, runs
// of one type as one group.
func Locals(letters string) []byte {
	var groups [][]byte
	all := []rune(letters)
	for i := 0; i < len(all); {
		end := i
		for end < len(all) && all[end] == all[i] {
			end++
		}
		groups = append(groups, append(U32(end-i), Types(string(all[i]))...))
		i = end
	}
	return Vec(groups...)
}
